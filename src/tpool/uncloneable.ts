/** What in a value cannot be copied to another thread, and where it is. */
export interface Uncloneable {
  /** `options.onProgress`; empty for the value itself. */
  readonly path: string
  /** `a function`, `a symbol`, `a Promise`. */
  readonly type: string
}

/** Called when a copy has failed: finds the first thing to blame. The value itself when nothing in it is worse than another. */
export function findUncloneable(value: unknown): Uncloneable {
  return find(value, '', new Set()) ?? { path: '', type: typeName(value) }
}

function find(value: unknown, path: string, seen: Set<unknown>): Uncloneable | undefined {
  if (typeof value === 'function' || typeof value === 'symbol') return { path, type: typeName(value) }
  if (typeof value !== 'object' || value === null || seen.has(value)) return undefined
  seen.add(value)
  for (const [key, child] of childrenOf(value)) {
    const found = find(child, path === '' ? key : `${path}.${key}`, seen)
    if (found) return found
  }
  return isCloneable(value) ? undefined : { path, type: typeName(value) }
}

function childrenOf(value: object): readonly (readonly [string, unknown])[] {
  if (value instanceof Map) return [...value].map(([key, child]) => [String(key), child])
  if (value instanceof Set) return [...value].map((child, index) => [String(index), child])
  if (ArrayBuffer.isView(value)) return []
  return Object.entries(value)
}

function isCloneable(value: object): boolean {
  try {
    structuredClone(value)
    return true
  } catch {
    return false
  }
}

function typeName(value: unknown): string {
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`
  const prototype = Object.getPrototypeOf(value) as { readonly constructor?: { readonly name?: string } } | null
  return `a value of type ${prototype?.constructor?.name ?? 'Object'}`
}
