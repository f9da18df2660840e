import { CodedError } from '../../base/errors.js'
import type { CoordinationErrorCode } from '../errors.js'
import { fenceText } from './fence.js'

/**
 * Fenced writes for SQL: one statement compares and raises the fence, so the
 * database's own row lock is all the exclusion that is needed.
 *
 * A statement that changed no row was refused, or the row is not there: make the
 * row first, without a fence (its column then holds 0). What is inserted or deleted
 * is not guarded: delete by an update that marks the row.
 */
export type SqlDialect = 'postgres' | 'mysql' | 'sqlite'

export interface FencedUpdateOptions {
  /** May have a schema in front: `app.volumes`. Case counts, for names are quoted. */
  readonly table: string
  /** Columns to be written. None: the fence alone is raised. */
  readonly set: readonly string[]
  /** Columns that pick the row, each by equality; at least one. */
  readonly where: readonly string[]
  /** Default `fence`. */
  readonly fenceColumn?: string
  readonly dialect: SqlDialect
}

/** What one parameter of a statement stands for. */
export type FencedParameter =
  | { readonly kind: 'set' | 'where'; readonly column: string }
  | { readonly kind: 'fence' }

export interface FencedValues {
  readonly set: Readonly<Record<string, unknown>>
  readonly where: Readonly<Record<string, unknown>>
  /** Of the lease under which this is written: `held.fence`. */
  readonly fence: bigint
}

export interface FencedStatement {
  /** Without any value in it: `UPDATE "volumes" SET "state" = $1, "fence" = $2 WHERE "id" = $3 AND "fence" <= $2`. */
  readonly text: string
  /** In the order of the placeholders. `?` cannot be used twice, so with it the fence comes twice. */
  readonly parameters: readonly FencedParameter[]
  /** The values in that order; the fence as decimal text. @throws TypeError when a column has no value */
  values(values: FencedValues): unknown[]
}

/**
 * An update that an older holder cannot do once a newer one has written.
 *
 * ```ts
 * const setState = fencedUpdate({ table: 'volumes', set: ['state'], where: ['id'], dialect: 'postgres' })
 * const { rowCount } = await pool.query(setState.text, setState.values({ set: { state: 'ready' }, where: { id }, fence: held.fence }))
 * assertFenced(rowCount, { resource: `volume ${id}`, fence: held.fence })
 * ```
 *
 * MySQL must count the rows found, not those changed (mysql2 does by default):
 * else the same write twice looks refused.
 *
 * @throws RangeError for a name that is no plain identifier, twice in `set`, or the fence's; without `where`
 */
export function fencedUpdate({ table, set, where, fenceColumn = 'fence', dialect }: FencedUpdateOptions): FencedStatement {
  if (where.length === 0) throw new RangeError(`Cannot update "${table}" as "where" has at least one column: none`)
  const twice = set.find((column, index) => column === fenceColumn || set.indexOf(column) !== index)
  if (twice !== undefined) throw new RangeError(`Cannot update "${table}" as each column is set once, and the fence by this alone: ${twice}`)
  const parameters: FencedParameter[] = []
  const place = (parameter: FencedParameter): string => {
    const known = dialect === 'postgres' && parameter.kind === 'fence' ? parameters.findIndex(({ kind }) => kind === 'fence') : -1
    if (known >= 0) return `$${known + 1}`
    const position = parameters.push(parameter)
    return dialect === 'postgres' ? `$${position}` : '?'
  }
  const name = (identifier: string): string => quoteName(identifier, dialect)
  const fence = name(fenceColumn)
  const assignments = [...set.map((column) => `${name(column)} = ${place({ kind: 'set', column })}`), `${fence} = ${place({ kind: 'fence' })}`]
  const conditions = [...where.map((column) => `${name(column)} = ${place({ kind: 'where', column })}`), `${fence} <= ${place({ kind: 'fence' })}`]
  return {
    text: `UPDATE ${quotePath(table, dialect)} SET ${assignments.join(', ')} WHERE ${conditions.join(' AND ')}`,
    parameters,
    values: (values) => parameters.map((parameter) => valueOf(parameter, values)),
  }
}

/** The line that gives a table its fence: `ALTER TABLE "volumes" ADD COLUMN "fence" BIGINT NOT NULL DEFAULT 0`. @throws RangeError */
export function addFenceColumn({ table, fenceColumn = 'fence', dialect }: Pick<FencedUpdateOptions, 'table' | 'fenceColumn' | 'dialect'>): string {
  return `ALTER TABLE ${quotePath(table, dialect)} ADD COLUMN ${quoteName(fenceColumn, dialect)} BIGINT NOT NULL DEFAULT 0`
}

/**
 * Says that a fenced update was done. `affectedRows` as the database counts them.
 *
 * @throws CodedError FENCE_STALE for no row: a newer holder has written it, or the row is missing
 */
export function assertFenced(affectedRows: number | bigint | null | undefined, { resource, fence }: { readonly resource: string; readonly fence: bigint }): void {
  if (affectedRows !== null && affectedRows !== undefined && affectedRows > 0) return
  throw new CodedError<CoordinationErrorCode>('FENCE_STALE', `Cannot write "${resource}" as it has seen a newer fence, or is missing: ${fence}`, {
    details: { resource, fence: String(fence) },
  })
}

function valueOf(parameter: FencedParameter, values: FencedValues): unknown {
  if (parameter.kind === 'fence') return fenceText(values.fence)
  const { kind, column } = parameter
  if (!Object.hasOwn(values[kind], column)) throw new TypeError(`Cannot update as every column has a value: "${column}" of "${kind}" has none`)
  return values[kind][column]
}

/** What every one of the databases takes and none of them cuts off. */
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/

function quotePath(table: string, dialect: SqlDialect): string {
  return table.split('.').map((part) => quoteName(part, dialect)).join('.')
}

function quoteName(identifier: string, dialect: SqlDialect): string {
  if (!IDENTIFIER.test(identifier)) throw new RangeError(`Cannot use ${JSON.stringify(identifier)} as a name in SQL as it has 1 to 63 letters, digits or _, no digit first`)
  return dialect === 'mysql' ? `\`${identifier}\`` : `"${identifier}"`
}
