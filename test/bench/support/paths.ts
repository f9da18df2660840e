import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
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

/** Installs pm2 and throng, exactly as locked, when they are not there yet. */
export function installPeers(): void {
  if (existsSync(contenderFile('node_modules/pm2')) && existsSync(contenderFile('node_modules/throng'))) return
  const flags = ['--no-audit', '--no-fund', '--loglevel=error']
  const { status } = spawnSync('npm', ['ci', ...flags], { cwd: fileURLToPath(CONTENDERS), stdio: 'inherit' })
  if (status !== 0) throw new Error(`Cannot install the peers as "npm ci" failed: exit code ${status}`)
}
