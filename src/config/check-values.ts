import { createRequire } from 'node:module'
import type { Schema as Schemas, SchemaObj } from 'convict'
import type { DeclaredOption } from './groups.js'
import { defaultOf, parseText, type OptionType, type OptionValue } from './option-value.js'
import type { RawValue } from './raw-config.js'
import { describeRule, obeysRule } from './rules.js'

/**
 * The only file that knows convict. It holds schema, defaults and values, and
 * validates strictly; what it would do on its own is kept from it:
 *
 * - its types coerce in silence (`no` → true, `12abc` → 12): every option has a
 *   format of ours, by whose name convict finds our reader. The formats are global
 *   to the module, hence the prefix;
 * - its paths split at dots and reach into prototypes: an option's path is its
 *   number, which no user chooses;
 * - it reads `process.argv` and `process.env` itself unless given others;
 * - it merges maps into defaults and fails on one where it wants a scalar: no
 *   option is a map, so a map is handed on as null, which no format accepts.
 *
 * @see convict 6.2.5, src/main.js: normalizeSchema, overlay, coerce, validate
 */
export function checkValues(options: readonly DeclaredOption[], given: ReadonlyMap<DeclaredOption, RawValue>): CheckedValues {
  const broken = new Set<DeclaredOption>()
  if (options.length === 0) return { broken, values: new Map() }
  const paths = new Map(options.map((option, index) => [option, `option${index}`]))
  const schema: Schema = Object.fromEntries([...paths].map(([option, path]) => [path, schemaOf(option, () => broken.add(option))]))
  const settings = loadConvict()(schema, { args: [], env: {} })
  settings.load(Object.fromEntries([...given].map(([option, value]) => [paths.get(option), readable(option, value)])))
  try {
    settings.validate({ allowed: 'strict' })
  } catch (error) {
    if (broken.size === 0) throw error
  }
  const values = settings.getProperties()
  return { broken, values: new Map([...paths].map(([option, path]) => [option, values[path]])) }
}

export interface CheckedValues {
  /** Typed. Of an option in `broken`, whatever was given. */
  readonly values: ReadonlyMap<DeclaredOption, OptionValue>
  /** Those whose value, or whose own default, breaks their rule. */
  readonly broken: ReadonlySet<DeclaredOption>
}

type Convict = typeof import('convict')

/** What convict gives back has passed `obeysRule`, or is in `broken`. */
type Schema = Schemas<Record<string, OptionValue>>

let loaded: Convict | undefined

/** Loaded at first use, for a worker whose service has no options of its own needs none of it. */
function loadConvict(): Convict {
  loaded ??= withFormats(createRequire(import.meta.url)('convict') as Convict)
  return loaded
}

const TYPES: readonly OptionType[] = ['string', 'integer', 'number', 'port', 'boolean', 'duration', 'size', 'list']

function withFormats(convict: Convict): Convict {
  for (const type of TYPES) {
    convict.addFormat({
      name: formatName(type),
      coerce: (text: string) => parseText(type, text) ?? text,
      validate: (value: unknown, schema) => { (schema['check'] as Check)(value) },
    })
  }
  return convict
}

type Check = (value: unknown) => void

function formatName(type: OptionType): string {
  return `reeve:${type}`
}

function schemaOf({ definition }: DeclaredOption, reject: () => void): SchemaObj<OptionValue> {
  const check: Check = (value) => {
    if (obeysRule(definition, value)) return
    reject()
    throw new TypeError(`must be ${describeRule(definition)}`)
  }
  return { format: formatName(definition.type), default: defaultOf(definition), sensitive: definition.secret === true, check }
}

/** A number of YAML, TOML or JSON means what its text would mean in INI: of a duration, seconds. */
function readable({ definition: { type } }: DeclaredOption, value: RawValue): unknown {
  if (typeof value === 'object' && !Array.isArray(value)) return null
  const isWritten = type === 'duration' || type === 'size' || type === 'boolean'
  return isWritten && typeof value === 'number' ? String(value) : value
}
