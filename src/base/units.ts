/**
 * Durations and sizes as people write them in a configuration.
 * A bare number of a duration is seconds (as in oslo.config), of a size bytes.
 */

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000,
}

const SIZE_UNITS_BYTES: Readonly<Record<string, number>> = {
  B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12,
  KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40,
}

const QUANTITY = /^([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*([A-Za-z]*)$/

/** `500ms`, `5s`, `2m`, `1h`, `1d`, `1.5` (seconds) → ms; undefined when `text` is none of these. */
export function parseDuration(text: string): number | undefined {
  return parseQuantity(text, DURATION_UNITS_MS, 's')
}

/** `64MiB`, `1GB`, `4096` (bytes) → whole bytes; undefined when `text` is none of these. */
export function parseSize(text: string): number | undefined {
  const bytes = parseQuantity(text, SIZE_UNITS_BYTES, 'B')
  return bytes !== undefined && Number.isSafeInteger(bytes) ? bytes : undefined
}

/** The shortest text that `parseDuration` reads back as `ms`: `500ms`, `90s`, `1m`, `2h`. */
export function formatDuration(ms: number): string {
  return formatQuantity(ms, [['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1_000], ['ms', 1]])
}

/** The shortest text that `parseSize` reads back as `bytes`: `64MiB`, `100B`. */
export function formatSize(bytes: number): string {
  return formatQuantity(bytes, [['TiB', 2 ** 40], ['GiB', 2 ** 30], ['MiB', 2 ** 20], ['KiB', 2 ** 10], ['B', 1]])
}

function parseQuantity(text: string, units: Readonly<Record<string, number>>, defaultUnit: string): number | undefined {
  const match = QUANTITY.exec(text.trim())
  if (!match) return undefined
  const unit = match[2] === '' ? defaultUnit : (match[2] ?? defaultUnit)
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined
  if (factor === undefined) return undefined
  const product = Number(match[1]) * factor
  if (!Number.isFinite(product)) return undefined
  // 0.1 s is 100 ms, and not 100.00000000000001.
  return Number.isInteger(product) || product > 1e9 ? product : Math.round(product * 1e6) / 1e6
}

function formatQuantity(value: number, units: readonly (readonly [string, number])[]): string {
  if (value === 0) return '0'
  const fitting = units.find(([, factor]) => value % factor === 0) ?? units.at(-1)
  const [unit, factor] = fitting ?? ['', 1]
  return `${value / factor}${unit}`
}
