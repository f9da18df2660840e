/**
 * The rules of the source tree: which folder may import which, and what a file
 * may be called and hold. Pure: a tree is a map from path to text, so that the
 * rules themselves are tested on trees that break them.
 */
import { posix } from 'node:path'
import { sourceFacts, type SourceFacts } from './source-facts.js'

/** Lowest first. A folder imports its own files and folders of lower lines: never sideways, never up, not even types. */
export const LAYERS: readonly (readonly string[])[] = [
  ['base'],
  ['config', 'log', 'metrics', 'queue', 'ipc'],
  ['coordination'],
  ['exec', 'loop', 'tpool'],
  ['service', 'report'],
  ['rpc'],
  ['manager', 'admin'],
  ['worker', 'launcher'],
  ['cli'],
  ['examples'],
]

/** What the build makes of whole parts of the program: no source of any layer. The command starts one, and coordination loads itself when it is first used. */
const BUNDLES = 'boot/'
const LOADS_COORDINATION = 'coordination/load.ts'
const MAX_LINES = 400
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*$/
const ERROR_CODE = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/
/** They say where code was put, not what it is. */
const EMPTY_NAMES = new Set(['util', 'utils', 'helper', 'helpers', 'common', 'type', 'types', 'misc', 'shared'])

export interface Tree {
  /** Text by path from `src`: `base/clock.ts`. */
  readonly files: ReadonlyMap<string, string>
  /** What programs may import: `reeve`, `reeve/log`. */
  readonly publicEntries: readonly string[]
}

interface SourceFile extends SourceFacts {
  readonly path: string
  readonly text: string
  /** Files of the tree that it imports. */
  readonly imports: readonly string[]
  /** Relative specifiers that lead to no file of the tree. */
  readonly dangling: readonly string[]
}

/** One line for each breach, beginning with the file's path; empty when all is well. */
export function breaches({ files, publicEntries }: Tree): readonly string[] {
  const sources = [...files].map(([path, text]) => read(path, text, files))
  return [
    ...sources.flatMap((file) => [
      ...nameBreaches(file, publicEntries),
      ...contentBreaches(file),
      ...importBreaches(file),
      ...selfImportBreaches(file, publicEntries),
    ]),
    ...cycles(sources),
  ]
}

function read(path: string, text: string, files: ReadonlyMap<string, string>): SourceFile {
  const facts = sourceFacts(path, text)
  const relative = facts.specifiers.filter((specifier) => specifier.startsWith('.'))
  const targets = relative.map((specifier) => ({ specifier, target: resolve(path, specifier) }))
  return {
    ...facts, path, text,
    imports: targets.map(({ target }) => target).filter((target) => files.has(target)),
    dangling: targets.filter(({ target }) => !files.has(target) && !(mayLoadBundles(path) && target.startsWith(BUNDLES))).map(({ specifier }) => specifier),
  }
}

function mayLoadBundles(path: string): boolean {
  return folderOf(path) === 'cli' || path === LOADS_COORDINATION
}

/** The source behind a specifier, which names the compiled file: `../base/clock.js` is `base/clock.ts`. */
function resolve(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier).replace(/\.([cm]?)js$/, '.$1ts')
}

function nameBreaches({ path, exportsAll, isBarrel }: SourceFile, publicEntries: readonly string[]): readonly string[] {
  const names = path.replace(/\.[cm]?ts$/, '').split('/')
  const base = names.at(-1) ?? ''
  const entry = ['reeve', ...names.slice(0, -1)].join('/')
  return [
    ...names.filter((name) => !KEBAB_CASE.test(name)).map((name) => `${path}: "${name}" is not kebab-case`),
    ...names.filter((name) => EMPTY_NAMES.has(name)).map((name) => `${path}: "${name}" names no concept`),
    ...(base === 'index' && !publicEntries.includes(entry) ? [`${path}: an index.ts that is no public entry`] : []),
    ...(base !== 'index' && isBarrel ? [`${path}: a barrel: only an index.ts does nothing but re-export`] : []),
    ...(exportsAll ? [`${path}: export * hides what is exported`] : []),
  ]
}

function contentBreaches({ path, text, errorCodes }: SourceFile): readonly string[] {
  const lines = text.replace(/\n$/, '').split('\n').length
  return [
    ...(lines > MAX_LINES ? [`${path}: ${lines} lines, more than ${MAX_LINES}`] : []),
    ...errorCodes.filter((code) => !ERROR_CODE.test(code)).map((code) => `${path}: the error code "${code}" is not UPPER_SNAKE_CASE`),
  ]
}

function importBreaches({ path, imports, dangling }: SourceFile): readonly string[] {
  const from = folderOf(path)
  if (from !== ROOT && layerOf(from) === undefined) return [`${path}: the folder "${from}" is in no layer`]
  return [
    ...dangling.map((specifier) => `${path}: imports "${specifier}", which is no file of src`),
    ...imports.filter((target) => posix.basename(target) === 'index.ts').map((target) => `${path}: imports ${target}, not the concrete file`),
    ...imports.filter((target) => !mayImport(from, folderOf(target))).map((target) => `${path}: ${from} may not import ${target}`),
  ]
}

/** Examples import the package as its users do; nothing else imports it by its name. */
function selfImportBreaches({ path, specifiers }: SourceFile, publicEntries: readonly string[]): readonly string[] {
  const own = specifiers.filter((specifier) => specifier === 'reeve' || specifier.startsWith('reeve/') || specifier.startsWith('#'))
  const isExample = folderOf(path) === 'examples'
  return own.filter((specifier) => !isExample || !publicEntries.includes(specifier)).map((specifier) => `${path}: may not import "${specifier}"`)
}

/** Where `index.ts` of the package is. It may import every layer but the examples. */
const ROOT = 'src'

function folderOf(path: string): string {
  const [folder, rest] = path.split('/')
  return rest === undefined || folder === undefined ? ROOT : folder
}

function layerOf(folder: string): number | undefined {
  const index = LAYERS.findIndex((layer) => layer.includes(folder))
  return index === -1 ? undefined : index
}

function mayImport(from: string, to: string): boolean {
  if (from === to) return true
  if (from === 'examples' || to === ROOT) return false
  const [own, other] = [layerOf(from) ?? layerOf('examples') ?? 0, layerOf(to) ?? Infinity]
  return other < own
}

/** Rings of files, each told once, from its first file in the alphabet. */
function cycles(sources: readonly SourceFile[]): readonly string[] {
  const importsOf = new Map(sources.map(({ path, imports }) => [path, imports]))
  const found = new Set<string>()
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start !== -1) found.add(ring(trail.slice(start)))
    if (start !== -1 || done.has(path)) return
    for (const target of importsOf.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const { path } of sources) visit(path, [])
  return [...found]
}

function ring(files: readonly string[]): string {
  const first = files.indexOf([...files].sort()[0] ?? '')
  const turned = [...files.slice(first), ...files.slice(0, first)]
  return `${turned[0]}: imports itself: ${[...turned, turned[0]].join(' → ')}`
}
