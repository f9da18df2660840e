import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasCode } from '#src/base/errors.js'
import { parseListenUrls, type ListenUrl } from '#src/launcher/listen-url.js'

const tcp = (host: string, port: number, name = 'http'): ListenUrl => ({ name, kind: 'tcp', host, port })
const unix = (path: string, mode?: number, name = 'http'): ListenUrl => ({ name, kind: 'unix', path, mode })

const urls: readonly (readonly [string, ListenUrl])[] = [
  ['tcp://127.0.0.1:8080', tcp('127.0.0.1', 8080)],
  ['tcp://127.0.0.1:8080/', tcp('127.0.0.1', 8080)],
  ['tcp://localhost:0', tcp('localhost', 0)],
  ['tcp://*:80', tcp('', 80)],
  ['tcp://:80', tcp('', 80)],
  ['tcp://[::1]:65535', tcp('::1', 65_535)],
  ['tcp://[fe80::1%eth0]:80', tcp('fe80::1%eth0', 80)],
  ['unix:/run/a.sock', unix('/run/a.sock')],
  ['unix:///run/a.sock', unix('/run/a.sock')],
  ['unix:/run/a.sock?mode=0660', unix('/run/a.sock', 0o660)],
  ['unix:/run/a.sock?mode=600', unix('/run/a.sock', 0o600)],
  ['unix:/run/a=b.sock', unix('/run/a=b.sock')],
  ['api=tcp://a:1', tcp('a', 1, 'api')],
  ['_a-1=unix:/a=b', unix('/a=b', undefined, '_a-1')],
  [`unix:/${'a'.repeat(106)}`, unix(`/${'a'.repeat(106)}`)],
]

for (const [text, url] of urls) {
  test(`parseListenUrls() takes ${text.slice(0, 40)}`, () => assert.deepEqual(parseListenUrls([text]), [url]))
}

const wrong: readonly (readonly [string, RegExp])[] = [
  ['tcp://127.0.0.1', /neither tcp:\/\/HOST:PORT nor unix:\/PATH/],
  ['tcp://127.0.0.1:http', /neither/],
  ['tcp://::1:80', /neither/],
  ['tcp://a:80/path', /neither/],
  ['tcp://a:65536', /a port is at most 65535/],
  ['http://a:80', /neither/],
  ['8080', /neither/],
  ['', /neither/],
  ['api=', /neither/],
  ['1a=tcp://a:1', /neither/],
  ['=tcp://a:1', /neither/],
  ['unix:a.sock', /neither/],
  ['unix:', /neither/],
  ['unix:/a?mode=888', /neither/],
  ['unix:/a?mode=0660&x=1', /neither/],
  [`unix:/${'a'.repeat(107)}`, /the path of a Unix socket has at most 107 bytes/],
  [`unix:/${'ü'.repeat(54)}`, /at most 107 bytes/],
]

for (const [text, message] of wrong) {
  test(`parseListenUrls() refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
    assert.throws(() => parseListenUrls([text]), (error: Error) => hasCode(error, 'LISTEN_INVALID') && message.test(error.message))
  })
}

test('parseListenUrls() calls those without a name http, http2, http3 …', () => {
  const named = parseListenUrls(['tcp://a:1', 'admin=tcp://a:2', 'tcp://a:3', 'unix:/a'])
  assert.deepEqual(named.map(({ name }) => name), ['http', 'admin', 'http2', 'http3'])
})

test('parseListenUrls() gives names that were given before those it makes up', () => {
  assert.deepEqual(parseListenUrls(['tcp://a:1', 'http=tcp://a:2', 'http2=tcp://a:3']).map(({ name }) => name), ['http3', 'http', 'http2'])
})

test('parseListenUrls() refuses a name twice', () => {
  assert.throws(() => parseListenUrls(['a=tcp://a:1', 'a=tcp://a:2']), { code: 'LISTEN_INVALID', message: 'Cannot listen on "a=tcp://a:2" as the name "a" is taken' })
})
