import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { RawConfig, RawValue } from '#src/config/raw-config.js'

/** A directory of its own for one test, with these files in it. Gone when the test is over. */
export function writeFiles(context: TestContext, files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'reeve-config-'))
  context.after(() => { rmSync(directory, { recursive: true }) })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  return directory
}

/** What one file, `reeve.conf`, would say; its lines count from 1. */
export function rawFrom(entries: readonly (readonly [group: string, key: string, value: RawValue])[]): RawConfig {
  return {
    files: entries.map(([group, key, value], index) => ({ group, key, value, source: { kind: 'file', path: 'reeve.conf', line: index + 1 } })),
    variables: [],
    flags: [],
  }
}

/** The error that `act` throws, as far as tests look at it. */
export function thrownBy(act: () => unknown): { code?: string, message: string, details?: Record<string, unknown> } {
  try {
    act()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}
