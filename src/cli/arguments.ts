import { CodedError } from '../base/errors.js'
import { nearestName } from '../base/nearest.js'

/** One flag that a command takes. */
export interface FlagSpec {
  /** With its dashes: `--workers`. */
  readonly flag: string
  /** One letter, with its dash: `-w`. */
  readonly short?: string
  /** What stands for the value in the help; absent for a flag without one. */
  readonly value?: string
  readonly help: string
}

export interface ParsedArguments {
  /** In the order in which they came; a flag without a value has `true`. */
  readonly flags: readonly { readonly flag: string; readonly value: string | true }[]
  readonly operands: readonly string[]
}

/** The command line is wrong: exit 2. */
export function usageError(message: string): CodedError {
  return new CodedError('USAGE', message)
}

/**
 * Takes a command line apart: `--flag VALUE`, `--flag=VALUE`, `-w VALUE`, `--`.
 * No abbreviations; values stay text. With `operandEndsFlags`, everything after
 * the first operand is an operand: it belongs to the service.
 *
 * @throws CodedError USAGE
 */
export function parseArguments(argv: readonly string[], specs: readonly FlagSpec[], { operandEndsFlags = false } = {}): ParsedArguments {
  const byName = new Map(specs.flatMap((spec) => [[spec.flag, spec], ...(spec.short === undefined ? [] : [[spec.short, spec]])] as [string, FlagSpec][]))
  const flags: { flag: string; value: string | true }[] = []
  const rest = [...argv]
  const operands: string[] = []
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--') {
      operands.push(...rest)
      break
    }
    if (!arg.startsWith('-') || arg === '-') {
      operands.push(arg)
      if (operandEndsFlags) return { flags, operands: [...operands, ...rest] }
      continue
    }
    const [name, attached] = split(arg)
    const spec = byName.get(name)
    if (!spec) throw unknownFlag(name, [...byName.keys()])
    flags.push({ flag: spec.flag, value: takeValue(spec, attached, rest) })
  }
  return { flags, operands }
}

function split(arg: string): [string, string | undefined] {
  const end = arg.indexOf('=')
  return end < 0 ? [arg, undefined] : [arg.slice(0, end), arg.slice(end + 1)]
}

/** A value may begin with a dash where it is a number: `--workers -1` is a bad value, not a missing one. */
function takeValue({ flag, value }: FlagSpec, attached: string | undefined, rest: string[]): string | true {
  if (value === undefined) {
    if (attached !== undefined) throw usageError(`Cannot use "${flag}" as it takes no value: ${attached}`)
    return true
  }
  if (attached !== undefined) return attached
  const next = rest[0]
  if (next === undefined || /^-[^0-9.]/.test(next)) throw usageError(`Cannot use "${flag}" as it needs a value: ${value}`)
  rest.shift()
  return next
}

function unknownFlag(name: string, known: readonly string[]): CodedError {
  const near = nearestName(name, known)
  return usageError(`Cannot use "${name}" as there is no such option${near === undefined ? ': see launcher --help' : `; did you mean ${near}?`}`)
}
