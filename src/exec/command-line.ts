import { ExecError } from './errors.js'
import { joinShellWords, splitShellWords } from './shell-words.js'
import { maskText, maskWords } from './mask.js'

/**
 * Limits that the kernel keeps for the command and all it starts, soft and hard
 * alike; see setrlimit(2). Whole numbers, 0 or more.
 */
export interface ResourceLimits {
  readonly addressSpaceBytes?: number
  readonly coreBytes?: number
  /** SIGXCPU, then SIGKILL, after so many seconds of CPU. */
  readonly cpuSeconds?: number
  readonly dataBytes?: number
  readonly fileBytes?: number
  readonly lockedBytes?: number
  readonly openFiles?: number
  /** Of the user, not of the command. */
  readonly processes?: number
  readonly stackBytes?: number
}

export interface CommandOptions {
  readonly shell?: boolean | string
  readonly prlimit?: ResourceLimits
  readonly runAsRoot?: boolean
  readonly rootHelper?: string
  readonly secrets?: readonly string[]
}

/** What is started, and how it is shown. */
export interface CommandLine {
  readonly file: string
  readonly args: readonly string[]
  /** The command as it was asked for, secrets masked. */
  readonly shown: string
  /** Words before a command that gives it root's rights; empty when that is not needed. */
  readonly rootHelper: readonly string[]
  /** Whether util-linux' prlimit is between. */
  readonly limited: boolean
}

/**
 * The words that are started: prlimit, then the root helper, then the command, each
 * of which becomes the next by exec(2). The limits are set first, so that a helper's
 * list of what it allows need not know of them.
 *
 * `isRoot` tells whether this process has root's rights already.
 *
 * @throws TypeError for what is no text; RangeError for a NUL, a limit that is none, or an open quote; EXEC_ROOT_HELPER_MISSING
 */
export function commandLine(command: string, args: readonly string[], options: CommandOptions, isRoot: boolean): CommandLine {
  checkWords(command, args)
  const { shell = false, prlimit = {}, runAsRoot = false, rootHelper = '', secrets = [] } = options
  const shown = shortened(shownCommand(command, args, shell !== false, secrets))
  const helper = runAsRoot && !isRoot ? rootWords(rootHelper, shown) : []
  const limits = limitFlags(prlimit)
  const words = shell === false ? [command, ...args] : [shell === true ? '/bin/sh' : shell, '-c', command, 'sh', ...args]
  const [file = command, ...rest] = [...(limits.length > 0 ? ['prlimit', ...limits, '--'] : []), ...helper, ...words]
  return { file, args: rest, shown, rootHelper: helper, limited: limits.length > 0 }
}

function shownCommand(command: string, args: readonly string[], isScript: boolean, secrets: readonly string[]): string {
  if (!isScript) return joinShellWords(maskWords([command, ...args], secrets))
  return [maskText(command, secrets), joinShellWords(maskWords(['sh', ...args], secrets).slice(1))].join(' ').trim()
}

const MOST_SHOWN = 2_000

function shortened(text: string): string {
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text
}

function checkWords(command: unknown, args: unknown): void {
  if (typeof command !== 'string') throw new TypeError(`Cannot run a command as it must be text: ${typeof command}`)
  if (command === '') throw new RangeError('Cannot run a command as it must not be empty: ""')
  if (!Array.isArray(args)) throw new TypeError(`Cannot run "${command}" as its arguments must be a list: ${typeof args}`)
  for (const [index, word] of [command, ...args as readonly unknown[]].entries()) {
    if (typeof word !== 'string') throw new TypeError(`Cannot run "${command}" as its arguments must be text: argument ${index} is of type ${typeof word}`)
    // execve(2) would take what is before it, and silently drop the rest.
    if (word.includes('\0')) throw new RangeError(`Cannot run "${command.replaceAll('\0', '\\0')}" as no word of a command may hold a NUL: ${index === 0 ? 'the command' : `argument ${index}`}`)
  }
}

function rootWords(rootHelper: string, shown: string): readonly string[] {
  const words = splitShellWords(rootHelper)
  if (words.length > 0) return words
  throw new ExecError('EXEC_ROOT_HELPER_MISSING', `Cannot run "${shown}" as root as the option rootHelper must name the way, such as "sudo -n": "${rootHelper}"`, { details: { command: shown } })
}

const FLAGS = {
  addressSpaceBytes: 'as', coreBytes: 'core', cpuSeconds: 'cpu', dataBytes: 'data', fileBytes: 'fsize',
  lockedBytes: 'memlock', openFiles: 'nofile', processes: 'nproc', stackBytes: 'stack',
} as const satisfies Readonly<Record<keyof ResourceLimits, string>>

function limitFlags(limits: ResourceLimits): readonly string[] {
  const flags: Readonly<Record<string, string>> = FLAGS
  return Object.entries(limits as Readonly<Record<string, unknown>>).filter(([, value]) => value !== undefined).map(([name, value]) => {
    const flag = flags[name]
    if (flag === undefined) throw new RangeError(`Cannot set the limit "${name}" as the limits are ${Object.keys(FLAGS).join(', ')}`)
    if (!Number.isSafeInteger(value) || Number(value) < 0) throw new RangeError(`Cannot set the limit "${name}" as it must be a whole number of 0 or more: ${String(value)}`)
    return `--${flag}=${Number(value)}`
  })
}
