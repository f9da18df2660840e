import { createRequire } from 'node:module'
import type { Document, LineCounter, Node, YAMLMap } from 'yaml'
import { messageOf } from '../base/errors.js'
import type { SyntaxProblem } from './errors.js'
import { DEFAULT_GROUP } from './names.js'
import type { RawValue } from './raw-config.js'

/**
 * YAML, JSON and TOML: maps at the top level are groups, all else there is of the
 * DEFAULT group. The parsers are loaded when first needed (yaml: 40 ms).
 *
 * Parsers' messages are cut to their first line, and JSON's is not used at all:
 * they quote the text, and the text may hold a secret.
 */
export interface DocumentFile {
  readonly entries: readonly DocumentEntry[]
  readonly problems: readonly SyntaxProblem[]
}

export interface DocumentEntry {
  readonly group: string
  readonly key: string
  readonly value: RawValue
  readonly line?: number
}

const load = createRequire(import.meta.url)
const loadYaml = (): typeof import('yaml') => load('yaml') as typeof import('yaml')
const loadToml = (): typeof import('smol-toml') => load('smol-toml') as typeof import('smol-toml')

export function readYaml(text: string): DocumentFile {
  const { LineCounter, parseDocument } = loadYaml()
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' })
  const problems = [...document.errors, ...document.warnings].map((error): SyntaxProblem => {
    return { line: lines.linePos(error.pos[0]).line, rule: firstLine(error.message) }
  })
  if (problems.length > 0) return { entries: [], problems }
  try {
    return { entries: yamlEntries(document, lines), problems }
  } catch (error) {
    return { entries: [], problems: [{ rule: messageOf(error) }] }
  }
}

/** JSON is YAML: read as such, it has line numbers, and a key that is given twice is an error. */
export function readJson(text: string): DocumentFile {
  try {
    JSON.parse(text)
  } catch {
    const { problems } = readYaml(text)
    return { entries: [], problems: problems.length > 0 ? problems : [{ rule: 'the text must be JSON' }] }
  }
  return readYaml(text)
}

export function readToml(text: string): DocumentFile {
  const { parse, TomlError } = loadToml()
  try {
    return { entries: groupEntries(plain(parse(text))), problems: [] }
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    return { entries: [], problems: [{ line: error.line, rule: firstLine(error.message) }] }
  }
}

function yamlEntries(document: Document.Parsed, lines: LineCounter): DocumentEntry[] {
  const { isAlias, isMap, isScalar } = loadYaml()
  const top = document.contents
  if (top === null || (isScalar(top) && top.value === null)) return []
  if (!isMap(top)) throw new TypeError('the top level must be a map')
  return yamlPairs(top, lines).flatMap(({ key, node, line }) => {
    const target = isAlias(node) ? node.resolve(document) : node
    if (!isMap(target)) return [{ group: DEFAULT_GROUP, key, value: plain(node?.toJS(document)), line }]
    return yamlPairs(target, lines).map((pair) => {
      return { group: key, key: pair.key, value: plain(pair.node?.toJS(document)), line: pair.line }
    })
  })
}

interface YamlPair {
  readonly key: string
  readonly node: Node | null
  readonly line: number
}

function yamlPairs(map: YAMLMap, lines: LineCounter): YamlPair[] {
  const { isScalar } = loadYaml()
  return map.items.map((pair) => {
    if (!isScalar(pair.key)) throw new TypeError('a key must be plain text')
    const line = lines.linePos(pair.key.range?.[0] ?? 0).line
    return { key: String(pair.key.value), node: pair.value as Node | null, line }
  })
}

function groupEntries(top: RawValue): DocumentEntry[] {
  if (!isMapValue(top)) return []
  return Object.entries(top).flatMap(([key, value]): DocumentEntry[] => {
    if (!isMapValue(value)) return [{ group: DEFAULT_GROUP, key, value }]
    return Object.entries(value).map(([inner, innerValue]) => ({ group: key, key: inner, value: innerValue }))
  })
}

function isMapValue(value: RawValue): value is Readonly<Record<string, RawValue>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What JSON can carry: dates, big integers and what is no finite number become their text. */
function plain(value: unknown): RawValue {
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (value === null || value === undefined) return null
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'bigint') return String(value)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}

function firstLine(message: string): string {
  return message.split('\n', 1).join('')
}
