export interface HttpResponse {
  readonly status: number
  /** The server closes the connection after it. */
  readonly closes: boolean
}

const HEAD_END = '\r\n\r\n'

/** The one response in `text`; undefined while it is not whole. Bodies have a Content-Length, for the benchmarks' server gives it. */
export function readResponse(text: string): HttpResponse | undefined {
  const headEnd = text.indexOf(HEAD_END)
  if (headEnd < 0) return undefined
  const head = text.slice(0, headEnd)
  const bodyBytes = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
  if (text.length < headEnd + HEAD_END.length + bodyBytes) return undefined
  return { status: Number(head.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length)), closes: /\r\nconnection: *close/i.test(head) }
}
