import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const CALLS = ['open', 'mkdir', 'rename', 'rm', 'unlink', 'link'] as const
const HANDLE_CALLS = ['writeFile', 'sync'] as const

/**
 * Has `before` called, and awaited, before each call of node:fs/promises that this
 * process makes from now on. The calls themselves are the real ones, but for readdir():
 * it takes two steps, and misses whatever came or went between them, which is the worst
 * that POSIX allows. Gives what undoes it.
 */
export async function beforeEachFileSystemCall(before: (call: string) => Promise<void> | void): Promise<() => void> {
  const handle = await fs.promises.open('/dev/null')
  const prototype = Object.getPrototypeOf(handle) as object
  await handle.close()
  const { readdir } = fs.promises
  const undo = [
    replace(fs.promises, 'readdir', async (path: string) => {
      await before('readdir')
      const first = await readdir(path)
      await before('readdir')
      const second = new Set(await readdir(path))
      return first.filter((name) => second.has(name))
    }),
    ...CALLS.map((name) => intercept(fs.promises, name, before)),
    ...HANDLE_CALLS.map((name) => intercept(prototype, name, before)),
  ]
  syncBuiltinESMExports()
  return () => {
    for (const restore of undo) restore()
    syncBuiltinESMExports()
  }
}

function intercept(owner: object, name: string, before: (call: string) => Promise<void> | void): () => void {
  const original = Reflect.get(owner, name) as (...args: unknown[]) => Promise<unknown>
  return replace(owner, name, async function (this: unknown, ...args: unknown[]) {
    await before(name)
    return await Reflect.apply(original, this, args)
  })
}

function replace(owner: object, name: string, by: unknown): () => void {
  const original: unknown = Reflect.get(owner, name)
  Reflect.set(owner, name, by)
  return () => { Reflect.set(owner, name, original) }
}
