import { codeOf, isCodedError, messageOf, stackOf } from '../base/errors.js'
import { EXIT } from '../base/exit-code.js'
import { nearestName } from '../base/nearest.js'
import { usageError } from './arguments.js'
import { COMMANDS, type Command } from './commands.js'

const VERSION = new Set(['--version', '-V'])
const HELP = new Set(['help', '--help', '-h'])

/**
 * Runs the command line `argv` (without node and the program's own name) and gives
 * the exit code. `launcher SERVICE` is `launcher run SERVICE`; a command's name
 * wins over a file of that name.
 */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const [first = '--help', ...rest] = argv
    if (VERSION.has(first)) return print((await import('./version.js')).version())
    if (HELP.has(first)) return await help(rest[0])
    const named = commandOf(first)
    const [command, args] = named ? [named, rest] : [COMMANDS['run'] as Command, argv]
    if (args.includes('--help') && (command !== COMMANDS['run'] || args[0] === '--help')) return await help(first)
    return await (await command.load())(args, () => help('run'))
  } catch (error) {
    process.stderr.write(`launcher: ${isCodedError(error) ? messageOf(error) : stackOf(error)}${meantCommand(error, argv)}\n`)
    return exitCodeOf(error)
  }
}

/** What is neither a command nor a module may be a slip of the pen: `launcher statsu`. */
function meantCommand(error: unknown, [first = '']: readonly string[]): string {
  const near = codeOf(error) === 'MODULE_MISSING' ? nearestName(first, Object.keys(COMMANDS)) : undefined
  return near === undefined ? '' : `; did you mean the command ${near}?`
}

/** A service may be called `constructor`, too. */
function commandOf(name: string): Command | undefined {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
}

async function help(name: string | undefined): Promise<number> {
  const { helpText } = await import('./help.js')
  if (name !== undefined && !commandOf(name)) throw usageError(`Cannot help with "${name}" as there is no such command${hint(name)}`)
  return print(helpText(name))
}

function hint(name: string): string {
  const near = nearestName(name, Object.keys(COMMANDS))
  return near === undefined ? `: ${Object.keys(COMMANDS).join(', ')}` : `; did you mean ${near}?`
}

function print(text: string): number {
  process.stdout.write(`${text}\n`)
  return EXIT.clean
}

const USAGE_CODES = new Set(['USAGE', 'MODULE_MISSING', 'SERVICE_MISSING'])
const CONFIGURATION_CODES = new Set(['CONFIG_INVALID', 'CONFIG_SYNTAX', 'CONFIG_UNREADABLE', 'CONFIG_DUPLICATE_OPTION', 'LISTEN_INVALID', 'SOCKET_ACTIVATION_INVALID'])

/** What was typed wrongly on the command line is a usage error, wherever it was found out. */
function exitCodeOf(error: unknown): number {
  const code = codeOf(error) ?? ''
  if (USAGE_CODES.has(code)) return EXIT.usage
  if (!CONFIGURATION_CODES.has(code)) return EXIT.failure
  const problems = isCodedError(error) ? error.details['problems'] : undefined
  const typed = Array.isArray(problems) && problems.length > 0 && problems.every((problem: { where?: unknown }) => String(problem.where).startsWith('--'))
  return typed ? EXIT.usage : EXIT.configuration
}
