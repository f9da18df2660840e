import { CodedError } from '../base/errors.js'

/** One value of `listen`, taken apart. */
export type ListenUrl =
  | { readonly name: string; readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly name: string; readonly kind: 'unix'; readonly path: string; readonly mode: number | undefined }

const NAMED = /^([A-Za-z_][A-Za-z0-9_-]*)=(.*)$/
const TCP = /^tcp:\/\/(?:\[([0-9A-Fa-f:.%a-z]+)\]|([^:/[\]]*)):([0-9]{1,5})\/?$/
const UNIX = /^unix:(?:\/\/)?(\/[^?]*)(?:\?mode=(0?[0-7]{3}))?$/

/**
 * Takes `[NAME=]URL` values apart. Those without a name are called http, http2, http3 …
 * unless another was given that name. A host of `*` or none is every address.
 *
 * @throws CodedError LISTEN_INVALID for one that is no such URL, or a name twice
 */
export function parseListenUrls(values: readonly string[]): ListenUrl[] {
  const parts = values.map((value) => ({ value, name: NAMED.exec(value)?.[1], url: NAMED.exec(value)?.[2] ?? value }))
  const taken = new Set<string>()
  for (const { value, name } of parts) {
    if (name === undefined) continue
    if (taken.has(name)) throw invalid(value, `the name "${name}" is taken`)
    taken.add(name)
  }
  return parts.map(({ name, url }) => parseListenUrl(name ?? takeFree(taken), url))
}

function parseListenUrl(name: string, text: string): ListenUrl {
  const [, ipv6, host, port] = TCP.exec(text) ?? []
  if (port !== undefined) {
    if (Number(port) > 65_535) throw invalid(text, 'a port is at most 65535')
    const asked = ipv6 ?? host ?? ''
    return { name, kind: 'tcp', host: asked === '*' ? '' : asked, port: Number(port) }
  }
  const [, path, mode] = UNIX.exec(text) ?? []
  if (path === undefined) throw invalid(text, 'it is neither tcp://HOST:PORT nor unix:/PATH')
  if (Buffer.byteLength(path) > MAX_UNIX_PATH_BYTES) throw invalid(text, `the path of a Unix socket has at most ${MAX_UNIX_PATH_BYTES} bytes`)
  return { name, kind: 'unix', path, mode: mode === undefined ? undefined : Number.parseInt(mode, 8) }
}

/** sun_path of unix(7), less its end mark. */
const MAX_UNIX_PATH_BYTES = 107

function takeFree(taken: Set<string>): string {
  let name = 'http'
  for (let number = 2; taken.has(name); number++) name = `http${number}`
  taken.add(name)
  return name
}

function invalid(value: string, rule: string): CodedError {
  return new CodedError('LISTEN_INVALID', `Cannot listen on "${value}" as ${rule}`)
}
