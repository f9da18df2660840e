/** A column of a table for people: its title, and a row's cell. */
export type Column<Row> = readonly [title: string, cell: (row: Row) => string]

/** Rows under their titles, as wide as they need, two spaces between; each line ends with `\n`. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, cell]) => cell(row)))]
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines.map((line) => `${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()}\n`).join('')
}

/** `0.4 s`, `12 s`, `3m05s`, `2h07m`, `5d03h`. */
export function renderAge(ms: number): string {
  const total = Math.floor(ms / 1000)
  const two = (value: number): string => String(value).padStart(2, '0')
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`
  if (total < 60) return `${total} s`
  if (total < 3_600) return `${Math.floor(total / 60)}m${two(total % 60)}s`
  if (total < 86_400) return `${Math.floor(total / 3_600)}h${two(Math.floor(total / 60) % 60)}m`
  return `${Math.floor(total / 86_400)}d${two(Math.floor(total / 3_600) % 24)}h`
}
