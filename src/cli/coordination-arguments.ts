import { EXIT } from '../base/exit-code.js'
import { parseArguments, usageError, type FlagSpec } from './arguments.js'
import { openSource, type CoordinationSource } from './coordination-source.js'

const COMMON: readonly FlagSpec[] = [
  { flag: '--coordination', value: 'URL', help: 'Where locks and groups are kept. Default: as configured.' },
  { flag: '--config-file', value: 'FILE', help: 'As for run.' },
  { flag: '--config-dir', value: 'DIR', help: 'As for run.' },
  { flag: '--control', value: 'PATH', help: 'The control socket of the launcher, where the store is in it.' },
  { flag: '--name', value: 'NAME', help: "The launcher's name." },
  { flag: '--json', help: 'Print JSON.' },
]

/** What a command takes beside the common flags. */
export interface CoordinationSyntax {
  /** The first operand is one of these: `show` of `launcher lock show`. Default: there is none. */
  readonly actions?: { readonly command: string; readonly names: readonly string[] }
  /** What the operands are that must be given: `the name of a lock`. Default: none. */
  readonly operands?: readonly string[]
  readonly flags?: readonly FlagSpec[]
}

/** A command line of these commands, taken apart. */
export interface CoordinationArguments {
  readonly action: string
  /** Those that must be given. */
  readonly operands: readonly string[]
  readonly json: boolean
  /** The last value of a flag. */
  valueOf(flag: string): string | undefined
  has(flag: string): boolean
  /** Opens the store for `work`, and closes it whatever happens. */
  withSource<T>(work: (source: CoordinationSource) => Promise<T>): Promise<T>
}

/**
 * After what must be given one more operand may stand: the launcher's name.
 * @throws CodedError USAGE
 */
export function parseCoordination(argv: readonly string[], { actions, operands: wanted = [], flags: own = [] }: CoordinationSyntax = {}): CoordinationArguments {
  const { flags, operands: given } = parseArguments(argv, [...COMMON, ...own])
  const [action = '', operands] = actions ? [given[0], given.slice(1)] : ['', given]
  if (actions && !actions.names.includes(action)) throw usageError(`Cannot do "${`${actions.command} ${action}`.trim()}" as there is only: ${actions.names.join(', ')}`)
  const missing = wanted[operands.length]
  if (missing !== undefined) throw usageError(`Cannot go on as ${missing} is missing`)
  const [launcher, surplus] = operands.slice(wanted.length)
  if (surplus !== undefined) throw usageError(`Cannot use "${surplus}" as nothing more was expected after ${[...wanted, "the launcher's name"].join(' and ')}`)
  const values = (flag: string): string[] => flags.flatMap((given) => given.flag === flag && given.value !== true ? [given.value] : [])
  const valueOf = (flag: string): string | undefined => values(flag).at(-1)
  return {
    action,
    operands: operands.slice(0, wanted.length),
    json: flags.some(({ flag }) => flag === '--json'),
    valueOf,
    has: (flag) => flags.some((given) => given.flag === flag),
    withSource: async (work) => {
      const source = await openSource({
        url: valueOf('--coordination'), controlPath: valueOf('--control'), name: launcher ?? valueOf('--name'),
        files: values('--config-file'), directories: values('--config-dir'), env: process.env,
      })
      try {
        return await work(source)
      } finally {
        await source.close()
      }
    },
  }
}

/** Prints JSON or text. */
export function print({ json }: Pick<CoordinationArguments, 'json'>, value: unknown, text: string): number {
  process.stdout.write(json ? `${JSON.stringify(value, undefined, 2)}\n` : text)
  return EXIT.clean
}
