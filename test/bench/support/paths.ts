import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The repository's root: these sources run from test/dist/bench/support. */
const ROOT = new URL('../../../../', import.meta.url)

export const LAUNCHER = fileURLToPath(new URL('dist/cli/bin.cjs', ROOT))
export const LOAD_GENERATOR = fileURLToPath(new URL('load-generator.js', import.meta.url))

const CONTENDERS = new URL('test/bench/contenders/', ROOT)

/** A program under test/bench/contenders, by its path there. */
export function contenderFile(path: string): string {
  return fileURLToPath(new URL(path, CONTENDERS))
}

/** Installs the peers, exactly as locked and without their install scripts, when one of them is not there yet. */
export function installPeers(): void {
  const { dependencies } = JSON.parse(readFileSync(contenderFile('package.json'), 'utf8')) as { readonly dependencies: Readonly<Record<string, string>> }
  if (Object.keys(dependencies).every((name) => existsSync(contenderFile(`node_modules/${name}`)))) return
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const { status } = spawnSync('npm', ['ci', ...flags], { cwd: fileURLToPath(CONTENDERS), stdio: 'inherit' })
  if (status !== 0) throw new Error(`Cannot install the peers as "npm ci" failed: exit code ${status}`)
}
