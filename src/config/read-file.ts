import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { badSyntax, unreadable, type SyntaxProblem } from './errors.js'
import { optionName } from './names.js'
import type { RawEntry } from './raw-config.js'
import { readJson, readToml, readYaml, type DocumentEntry, type DocumentFile } from './read-document.js'
import { readIni } from './read-ini.js'

/**
 * The entries of one configuration file. `.yaml`, `.yml`, `.toml` and `.json` are
 * what they say; any other file is INI. A key may stand in a file once.
 *
 * @throws CodedError CONFIG_UNREADABLE, CONFIG_SYNTAX (with all that was found)
 */
export function readConfigFile(path: string): RawEntry[] {
  const format = formatOf(path)
  const { entries, problems } = format.read(readText(path))
  const found = [...problems, ...repetitions(entries)]
  if (found.length > 0) throw badSyntax(path, format.name, found)
  return entries.map(({ group, key, value, line }) => {
    return { group, key, value, source: { kind: 'file', path, ...(line === undefined ? {} : { line }) } }
  })
}

interface Format {
  readonly name: string
  readonly read: (text: string) => DocumentFile
}

const INI: Format = { name: 'INI', read: readIni }
const YAML: Format = { name: 'YAML', read: readYaml }
const FORMATS: ReadonlyMap<string, Format> = new Map([
  ['.yaml', YAML],
  ['.yml', YAML],
  ['.toml', { name: 'TOML', read: readToml }],
  ['.json', { name: 'JSON', read: readJson }],
])

function formatOf(path: string): Format {
  return FORMATS.get(extname(path).toLowerCase()) ?? INI
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '')
  } catch (error) {
    throw unreadable(path, error)
  }
}

function repetitions(entries: readonly DocumentEntry[]): SyntaxProblem[] {
  const first = new Map<string, DocumentEntry>()
  return entries.flatMap((entry) => {
    const name = optionName(entry.group, entry.key)
    const earlier = first.get(name)
    if (earlier === undefined) first.set(name, entry)
    return earlier === undefined ? [] : [repetition(entry, earlier, name)]
  })
}

function repetition({ line }: DocumentEntry, earlier: DocumentEntry, name: string): SyntaxProblem {
  const rule = `${name} must be given once${earlier.line === undefined ? '' : `, and is on line ${earlier.line} already`}`
  return { rule, ...(line === undefined ? {} : { line }) }
}
