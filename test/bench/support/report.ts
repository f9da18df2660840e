import { availableParallelism } from 'node:os'

/** One line that says what was measured, and where. */
export function printTitle(title: string): void {
  console.log(`\n${title}\n${'='.repeat(title.length)}`)
  console.log(`Node ${process.version}, ${availableParallelism()} CPUs`)
}

/** Columns as wide as their widest cell; the first to the left, the others to the right. */
export function printTable(header: readonly string[], rows: readonly (readonly string[])[]): void {
  const all = [header, ...rows]
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)))
  const line = (row: readonly string[]): string =>
    widths.map((width, i) => (i === 0 ? (row[i] ?? '').padEnd(width) : (row[i] ?? '').padStart(width))).join('  ')
  console.log(`\n${line(header)}`)
  console.log(widths.map((width) => '-'.repeat(width)).join('  '))
  for (const row of rows) console.log(line(row))
  console.log()
}

export interface Bar {
  /** What is held against the bar: `start, reeve / bare`. */
  readonly what: string
  readonly value: number
  readonly limit: { readonly atMost: number } | { readonly atLeast: number }
  readonly unit?: string
}

/** Says whether a bar was reached in this run. Never an assertion: a shared machine has slow minutes. */
export function printBar({ what, value, limit, unit = '' }: Bar): void {
  const [sign, bound] = 'atMost' in limit ? ['≤', limit.atMost] : ['≥', limit.atLeast]
  const reached = 'atMost' in limit ? value <= bound : value >= bound
  const verdict = Number.isNaN(value) ? 'NOT RUN' : reached ? 'reached' : 'MISSED'
  console.log(`bar: ${what}: ${number(value)}${unit}  (${sign} ${bound}${unit})  ${verdict}`)
}

/** A number with three significant digits, or whole when it is larger; `–` for none. */
export function number(value: number): string {
  if (Number.isNaN(value)) return '–'
  if (Math.abs(value) >= 100) return value.toFixed(0)
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2)
}
