/** One call in the picture. */
export interface TimelineRow {
  readonly process: string
  readonly text: string
  /** In ms; of a call without an answer, Infinity. */
  readonly call: number
  readonly return: number
  /** Its place in the longest order that was found; undefined: it has none. */
  readonly place: number | undefined
}

const ROWS_BEFORE = 14
const ROWS_AFTER = 8
const COLUMNS = 48

/**
 * The calls about the one that could not be put in order, as people read them:
 * a line a call, its interval as a bar, its place in the order in front.
 * `rows` are sorted by call, `focus` is an index of them.
 */
export function timeline(rows: readonly TimelineRow[], focus: number, state: string): string {
  const shown = rows.slice(Math.max(0, focus - ROWS_BEFORE), focus + ROWS_AFTER + 1)
  const from = Math.min(...shown.map((row) => row.call))
  const to = Math.max(...shown.flatMap((row) => [row.call, row.return]).filter(Number.isFinite))
  const placed = rows.filter((row) => row.place !== undefined).length
  const widths = { process: longest(shown.map((row) => row.process)), text: longest(shown.map((row) => row.text)) }
  return [
    `After the best ${placed} calls the state is ${state}. The call marked > fits nowhere.`,
    ...shown.map((row) => line(row, row === rows[focus], widths, { from, to })),
  ].join('\n')
}

function line(row: TimelineRow, focused: boolean, widths: { readonly process: number; readonly text: number }, span: Span): string {
  const place = row.place === undefined ? '' : `#${row.place + 1}`
  const times = `${(row.call - span.from).toFixed(3)} … ${Number.isFinite(row.return) ? (row.return - span.from).toFixed(3) : '?'} ms`
  return `${focused ? '>' : ' '} ${place.padStart(7)} ${row.process.padEnd(widths.process)} |${bar(row, span)}| ${row.text.padEnd(widths.text)}  ${times}`
}

interface Span {
  readonly from: number
  readonly to: number
}

function bar({ call, return: returned }: TimelineRow, { from, to }: Span): string {
  const column = (at: number): number => Math.round(((Math.min(at, to) - from) / Math.max(to - from, Number.EPSILON)) * (COLUMNS - 1))
  const [start, end] = [column(call), column(returned)]
  const drawn = start === end ? '|' : `├${'─'.repeat(end - start - 1)}${Number.isFinite(returned) ? '┤' : '…'}`
  return ' '.repeat(start) + drawn.padEnd(COLUMNS - start)
}

function longest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length))
}
