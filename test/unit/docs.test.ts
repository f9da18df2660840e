import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { EXIT } from '#src/base/exit-code.js'
import { sampleText } from '#src/cli/commands/config.js'
import { launcherOptions, serviceOptions } from '#src/launcher/options.js'
import { SIGNALS } from '#src/launcher/signals.js'
import { logOptions } from '#src/log/options.js'

/** Documentation and code say the same: what is in one is in the other. */

const ROOT = join(import.meta.dirname, '../../..')

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

const readme = read('README.md')
const sample = read('conf/launcher.conf.sample')

/** The package's own code; the examples have errors of their own, which their users never see. */
const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.c?ts$/.test(path) && !path.startsWith('examples/'))
  .map((path) => ({ path, text: read(join('src', path)) }))

/** UPPER_SNAKE_CASE with at least one `_`: what a code looks like. */
const CODE = '[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|USAGE'

function matches(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, found = '']) => found))].sort()
}

/** First arguments of `new CodedError('…')` and of its kin, and the codes that an `errors.ts` declares as types. */
const codes = [...new Set(sources.flatMap(({ path, text }) => [
  ...matches(text, new RegExp(`new \\w*Error\\(\\s*'(${CODE})'`, 'g')),
  ...(path.endsWith('errors.ts') ? matches(text, new RegExp(`'(${CODE})'`, 'g')) : []),
]))].sort()

function isTold(word: string, text: string): boolean {
  return new RegExp(`(?<![A-Za-z0-9_])${word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![A-Za-z0-9_])`).test(text)
}

function missing(words: readonly string[], text: string): string[] {
  return words.filter((word) => !isTold(word, text))
}

test('conf/launcher.conf.sample is what "launcher config sample" prints', () => {
  assert.equal(sample, sampleText(), 'write it anew: launcher config sample > conf/launcher.conf.sample')
})

test('README.md tells every error code', () => {
  assert.ok(codes.length > 20, `only ${codes.length} codes were found in src`)
  assert.deepEqual(missing(codes, readme), [], 'these codes are in src and not in README.md')
})

test('README.md tells no error code that does not exist', () => {
  const rows = readme.split('\n').filter((line) => new RegExp(`^\\| *\`(?:${CODE})\``).test(line))
  const told = matches(rows.map((row) => row.split('|')[1]).join('\n'), new RegExp(`\`(${CODE})\``, 'g')).filter((code) => !code.startsWith('REEVE_'))
  assert.ok(told.length > 20, `only ${told.length} codes were found in the tables of README.md`)
  assert.deepEqual(told.filter((code) => !codes.includes(code)), [], 'these codes are in README.md and not in src')
})

test('README.md tells every signal that the launcher answers', () => {
  assert.deepEqual(SIGNALS.filter((signal) => !isTold(signal, readme) && !isTold(signal.slice(3), readme)), [])
})

test('every option is in README.md or in conf/launcher.conf.sample', () => {
  const keys = [launcherOptions, serviceOptions, ...Object.values(logOptions)].flatMap((group) => Object.keys(group))
  assert.deepEqual(missing(keys, `${readme}\n${sample}`), [])
})

test('README.md tells every exit code', () => {
  const told = Object.entries(EXIT).filter(([, code]) => new RegExp(`^\\| *\`?${code}\`? *\\|`, 'm').test(readme))
  assert.deepEqual(told, Object.entries(EXIT), 'a row of a table for each: | 5 | …')
})

test('README.md tells every event', () => {
  const events = matches(read('src/launcher/events.ts'), /readonly event: '([a-z_.]+)'/g)
  assert.ok(events.length > 15, `only ${events.length} events were found`)
  assert.deepEqual(missing(events, readme), [])
})

test('README.md tells no event of the launcher that does not exist', () => {
  const events = sources.flatMap(({ text }) => matches(text, /event: '([a-z_.]+)'/g))
  const told = matches(readme, /`((?:launcher|worker|service|reload)\.[a-z_]+)`/g).filter((name) => !/\.m?[jt]s$/.test(name))
  assert.deepEqual(told.filter((event) => !events.includes(event)), [])
})
