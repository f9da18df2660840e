/**
 * What the control socket speaks: one JSON object a line. A request is
 * `{id, method, params}`, its answer `{id, result}` or `{id, error: {code, message, details}}`.
 * A request of over 64 KiB, or none within 5 s, ends the connection; an answer
 * may take as long as it needs.
 */
export const MAX_REQUEST_BYTES = 64 * 1024
export const IDLE_TIMEOUT_MS = 5_000

export interface ControlRequest {
  readonly id: number | string | null
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
}

export interface ControlError {
  readonly code: string
  readonly message: string
  readonly details?: Readonly<Record<string, unknown>>
}

export type ControlAnswer =
  | { readonly id: number | string | null; readonly result: unknown }
  | { readonly id: number | string | null; readonly error: ControlError }

/** The request in `line`, or what is wrong with it. */
export function parseRequest(line: string): ControlRequest | ControlError {
  const received = parseJson(line)
  if (!isRecord(received)) return invalid('a request is one JSON object a line')
  const { id = null, method, params = {} } = received
  if (id !== null && typeof id !== 'number' && typeof id !== 'string') return invalid('"id" is a number or a string')
  if (typeof method !== 'string') return invalid('"method" is a string')
  if (!isRecord(params)) return invalid('"params" is an object')
  return { id, method, params }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function invalid(rule: string): ControlError {
  return { code: 'CONTROL_INVALID_REQUEST', message: `Cannot answer the request as ${rule}` }
}
