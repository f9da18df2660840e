import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { execute } from '#src/exec/index.js'
import { contenderFile } from './paths.js'

/** Runs a command in its way, and gives the number of reads that it knows of, or NaN. */
export type PipeRun = (file: string) => Promise<number>
/** The other direction. */
export type PipeFeed = (input: Buffer) => Promise<number>

export const READ_SIZES = { '1 KiB': 2 ** 10, '4 KiB': 2 ** 12, '64 KiB': 2 ** 16, '1 MiB': 2 ** 20, '100 MiB': 100 * 2 ** 20 } as const
const NO_LIMIT = 2 ** 30

interface Execa {
  (file: string, args: readonly string[], options: object): Promise<{ readonly stdout: Uint8Array }> & { readonly stdout: NodeJS.ReadableStream }
}

/** What a shell's `cat FILE` writes, as one buffer. */
export async function collectors(): Promise<Readonly<Record<string, PipeRun>>> {
  const execa = await loadExeca()
  const reeve = (readBytes?: number): PipeRun => async (file) => {
    const { stdout, reads } = await execute('cat "$1"', [file], { shell: true, encoding: 'buffer', readBytes })
    return checked(stdout.length > 0, reads)
  }
  return {
    'blocking: execFileSync': async (file) => checked(execFileSync('/bin/sh', ['-c', 'cat "$1"', 'sh', file], { maxBuffer: NO_LIMIT }).length > 0, NaN),
    reeve: reeve(),
    ...Object.fromEntries(Object.entries(READ_SIZES).map(([name, bytes]) => [`reeve ${name}`, reeve(bytes)])),
    execFile: async (file) => {
      let reads = 0
      const run = promisify(execFile)('/bin/sh', ['-c', 'cat "$1"', 'sh', file], { encoding: 'buffer', maxBuffer: NO_LIMIT })
      run.child.stdout?.on('data', () => { reads++ })
      return checked((await run).stdout.length > 0, reads)
    },
    spawn: async (file) => {
      const child = spawn('/bin/sh', ['-c', 'cat "$1"', 'sh', file])
      const chunks: Buffer[] = []
      child.stdout.on('data', (chunk: Buffer) => { chunks.push(chunk) })
      await once(child, 'close')
      return checked(Buffer.concat(chunks).length > 0, chunks.length)
    },
    execa: async (file) => {
      const { stdout } = await execa('/bin/sh', ['-c', 'cat "$1"', 'sh', file], { encoding: 'buffer', maxBuffer: NO_LIMIT })
      return checked(stdout.length > 0, NaN)
    },
  }
}

export const FLOOR = 'cat file | cat > /dev/null'

/** All of `cat FILE` is read, and nothing is done with it. */
export async function discarders(): Promise<Readonly<Record<string, PipeRun>>> {
  const execa = await loadExeca()
  return {
    [FLOOR]: async (file) => {
      await once(spawn('/bin/sh', ['-c', 'cat "$1" | cat > /dev/null', 'sh', file], { stdio: 'ignore' }), 'close')
      return NaN
    },
    reeve: async (file) => (await execute('cat', [file], { stdout: 'count' })).reads,
    'reeve 1 MiB': async (file) => (await execute('cat', [file], { stdout: 'count', readBytes: READ_SIZES['1 MiB'] })).reads,
    spawn: async (file) => {
      let reads = 0
      const child = spawn('cat', [file])
      child.stdout.on('data', () => { reads++ })
      await once(child, 'close')
      return reads
    },
    execa: async (file) => {
      let reads = 0
      const child = execa('cat', [file], { buffer: false })
      child.stdout.on('data', () => { reads++ })
      await child
      return reads
    },
  }
}

/** Into a child that reads all of it. There are no reads to count. */
export async function feeders(): Promise<Readonly<Record<string, PipeFeed>>> {
  const execa = await loadExeca()
  const command = ['-c', 'cat > /dev/null']
  return {
    'blocking: execFileSync': async (input) => checked(execFileSync('/bin/sh', command, { input }).length === 0, NaN),
    reeve: async (processInput) => {
      await execute('cat > /dev/null', [], { shell: true, processInput })
      return NaN
    },
    spawn: async (input) => {
      const child = spawn('/bin/sh', command)
      child.stdin.end(input)
      await once(child, 'close')
      return NaN
    },
    execFile: async (input) => {
      const run = promisify(execFile)('/bin/sh', command)
      run.child.stdin?.end(input)
      await run
      return NaN
    },
    execa: async (input) => {
      await execa('/bin/sh', command, { input })
      return NaN
    },
  }
}

async function loadExeca(): Promise<Execa> {
  const { execa } = await import(pathToFileURL(contenderFile('pipes-execa.mjs')).href) as { readonly execa: Execa }
  return execa
}

/** A contender that lost the output has not won. */
function checked(isWhole: boolean, reads: number): number {
  if (!isWhole) throw new Error('Cannot measure a contender as its output is not whole')
  return reads
}
