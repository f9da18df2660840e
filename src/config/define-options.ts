import type { OptionDefinition, OptionGroups } from '../base/option.js'

/**
 * The identity, with types. A service module exports what it gives:
 *
 *     export const options = defineOptions({
 *       volume: {
 *         upload_timeout: { type: 'duration', defaultMs: 60_000, minMs: 1, help: 'Longest upload.' },
 *       },
 *     })
 *     …
 *     const { uploadTimeoutMs } = context.config.of(options).volume   // number
 */
export function defineOptions<const Groups extends OptionGroups>(groups: Groups): Groups {
  return groups
}

/** What `config.of(options)` gives: groups by name, values by their names in code. */
export type ConfigValues<Groups extends OptionGroups> = {
  readonly [Group in keyof Groups]: {
    readonly [Key in keyof Groups[Group] & string as NameInCode<Key, Groups[Group][Key]>]: ValueOf<Groups[Group][Key]>
  }
}

/** `upload_timeout` of a duration → `uploadTimeoutMs`. */
export type NameInCode<Key extends string, Definition extends OptionDefinition> = `${CamelCase<Key>}${UnitSuffix<Definition['type']>}`

/** The type of an option's value; with `undefined` when it has no default. */
export type ValueOf<Definition extends OptionDefinition> = HasDefault<Definition> extends true ? GivenValue<Definition> : GivenValue<Definition> | undefined

type CamelCase<Key extends string> = Key extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<CamelCase<Tail>>}` : Key

type UnitSuffix<Type extends OptionDefinition['type']> = Type extends 'duration' ? 'Ms' : Type extends 'size' ? 'Bytes' : ''

type HasDefault<Definition> =
  Definition extends { readonly default: string | number | boolean | readonly string[] } ? true
    : Definition extends { readonly defaultMs: number } ? true
      : Definition extends { readonly defaultBytes: number } ? true : false

type GivenValue<Definition extends OptionDefinition> =
  Definition extends { readonly type: 'string' } ? Choice<Definition>
    : Definition extends { readonly type: 'list' } ? readonly Choice<Definition>[]
      : Definition extends { readonly type: 'boolean' } ? boolean : number

type Choice<Definition> = Definition extends { readonly choices: readonly (infer Member extends string)[] } ? Member : string
