import { callControl } from '../../admin/control-client.js'
import type { LauncherStatus } from '../../admin/status.js'
import { EXIT } from '../../base/exit-code.js'
import { parseArguments, usageError, type FlagSpec, type ParsedArguments } from '../arguments.js'
import { renderStatus, renderWorkers } from '../render-status.js'
import { whichControlPath } from '../which-launcher.js'

const WAIT: FlagSpec = { flag: '--wait', help: 'Until it is done.' }
const JSON_FLAG: FlagSpec = { flag: '--json', help: 'Print JSON.' }
const SERVICE: FlagSpec = { flag: '--service', value: 'SERVICE', help: 'Of this service; without it, of the first.' }
const WHERE: readonly FlagSpec[] = [
  { flag: '--control', value: 'PATH', help: 'The control socket.' },
  { flag: '--name', value: 'NAME', help: "The launcher's name." },
]
const TIMEOUT_MS = 5_000

export async function status(argv: readonly string[]): Promise<number> {
  const parsed = parseArguments(argv, [...WHERE, JSON_FLAG])
  const answer = await ask(parsed, parsed.operands[0], 'status')
  return print(has(parsed, JSON_FLAG) ? `${JSON.stringify(answer, undefined, 2)}\n` : renderStatus(answer as LauncherStatus))
}

export async function workers(argv: readonly string[]): Promise<number> {
  const parsed = parseArguments(argv, [...WHERE, JSON_FLAG])
  const answer = await ask(parsed, parsed.operands[0], 'status') as LauncherStatus
  return print(has(parsed, JSON_FLAG) ? `${JSON.stringify(answer.workers, undefined, 2)}\n` : renderWorkers(answer))
}

/** Without `--wait` it has been asked; with it, it has ended, and a stop by force is a failure. */
export async function stop(argv: readonly string[]): Promise<number> {
  const parsed = parseArguments(argv, [...WHERE, WAIT])
  const wait = has(parsed, WAIT)
  const answer = await ask(parsed, parsed.operands[0], 'stop', { wait })
  const { exitCode, reason } = answer as { exitCode?: number; reason?: string }
  if (exitCode === undefined) return print('stopping\n')
  print(`stopped with exit code ${exitCode}: ${reason ?? ''}\n`)
  return exitCode === EXIT.clean ? EXIT.clean : EXIT.failure
}

export async function reload(argv: readonly string[]): Promise<number> {
  const parsed = parseArguments(argv, [...WHERE, WAIT])
  const wait = has(parsed, WAIT)
  const answer = await ask(parsed, parsed.operands[0], 'reload', { wait })
  const { ok, generation, error } = answer as { ok?: boolean; generation?: number; error?: string }
  if (ok === undefined) return print('reloading\n')
  if (ok) return print(`reloaded: generation ${generation}\n`)
  process.stderr.write(`launcher: the reload failed, the old workers go on: ${error ?? ''}\n`)
  return EXIT.failure
}

export async function scale(argv: readonly string[]): Promise<number> {
  const parsed = parseArguments(argv, [...WHERE, SERVICE])
  const [count, name] = parsed.operands
  if (count === undefined || !/^[1-9][0-9]{0,3}$/.test(count)) throw usageError(`Cannot scale as the number of workers is at least 1: ${count ?? 'none given'}`)
  const service = valueOf(parsed, SERVICE.flag)
  const answer = await ask(parsed, name, 'scale', { workers: Number(count), ...(service === undefined ? {} : { service }) })
  return print(renderStatus(answer as LauncherStatus))
}

export async function signal(argv: readonly string[]): Promise<number> {
  const parsed = parseArguments(argv, WHERE)
  const [name, launcher] = parsed.operands
  if (name === undefined) throw usageError('Cannot signal as no signal was given: launcher signal HUP')
  const answer = await ask(parsed, launcher, 'signal', { signal: name })
  return print(`sent ${(answer as { sent: string }).sent}\n`)
}

async function ask(parsed: ParsedArguments, name: string | undefined, method: string, params: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
  // Whoever asks to wait waits for as long as it takes.
  const path = whichControlPath({ controlPath: valueOf(parsed, '--control'), name: name ?? valueOf(parsed, '--name') }, process.env)
  return await callControl(path, method, params, params['wait'] === true ? {} : { timeoutMs: TIMEOUT_MS })
}

function valueOf({ flags }: ParsedArguments, flag: string): string | undefined {
  const value = flags.findLast((given) => given.flag === flag)?.value
  return value === true ? undefined : value
}

function has({ flags }: ParsedArguments, { flag }: FlagSpec): boolean {
  return flags.some((given) => given.flag === flag)
}

function print(text: string): number {
  process.stdout.write(text)
  return EXIT.clean
}
