import net from 'node:net'
import { CodedError, codeOf, messageOf } from '../base/errors.js'
import { isRecord } from './protocol.js'

export interface CallOptions {
  /** Rejects with CONTROL_TIMEOUT after so many ms. Default: waits for as long as the launcher is there. */
  readonly timeoutMs?: number
}

/**
 * Asks the launcher behind the control socket `path` and gives its `result`.
 *
 * @throws CodedError CONTROL_UNREACHABLE (nobody answers there, or no launcher),
 * CONTROL_GONE (it ended before it answered), CONTROL_TIMEOUT, or with the launcher's own code
 */
export function callControl(path: string, method: string, params: Readonly<Record<string, unknown>> = {}, options: CallOptions = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let buffered = ''
    const client = net.connect(path)
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(() => {
      client.destroy(new CodedError('CONTROL_TIMEOUT', `Cannot get an answer from "${path}" as it took over ${options.timeoutMs} ms: ${method}`))
    }, options.timeoutMs)
    client.setEncoding('utf8')
    client.once('connect', () => client.write(`${JSON.stringify({ id: 1, method, params })}\n`))
    client.on('data', (text: string) => {
      buffered += text
      const end = buffered.indexOf('\n')
      if (end < 0) return
      client.destroy()
      resolve(resultOf(path, buffered.slice(0, end).trimEnd()))
    })
    client.once('error', (error) => reject(error instanceof CodedError ? error : unreachable(path, error)))
    client.once('close', () => {
      clearTimeout(timer)
      reject(new CodedError('CONTROL_GONE', `Cannot get an answer from "${path}" as the launcher ended first: ${method}`))
    })
  })
}

async function resultOf(path: string, line: string): Promise<unknown> {
  const answer = parseAnswer(line)
  if (!answer) throw new CodedError('CONTROL_UNREACHABLE', `Cannot reach a launcher at "${path}" as something else answers there: ${line.slice(0, SHOWN_CHARS)}`)
  if (!isRecord(answer['error'])) return answer['result']
  const { code, message, details } = answer['error']
  throw new CodedError(String(code), String(message), isRecord(details) ? { details } : {})
}

const SHOWN_CHARS = 80

function parseAnswer(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const answer: unknown = JSON.parse(line)
    return isRecord(answer) ? answer : undefined
  } catch {
    return undefined
  }
}

function unreachable(path: string, cause: Error): CodedError {
  const rule = { ENOENT: 'there is no such socket', ECONNREFUSED: 'nobody answers on it', EACCES: 'it belongs to another user' }[codeOf(cause) ?? ''] ?? messageOf(cause)
  return new CodedError('CONTROL_UNREACHABLE', `Cannot reach a launcher at "${path}" as ${rule}`, { cause })
}
