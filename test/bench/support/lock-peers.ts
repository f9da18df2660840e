import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { contenderFile } from './paths.js'

/** Installs what the benchmarks of coordination compare with, exactly as locked, when any of it is not there yet. No script of a package is run. */
export function installLockPeers(): void {
  const { dependencies } = JSON.parse(readFileSync(contenderFile('package.json'), 'utf8')) as { readonly dependencies: Readonly<Record<string, string>> }
  if (Object.keys(dependencies).every((name) => existsSync(contenderFile(`node_modules/${name}`)))) return
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const { status } = spawnSync('npm', ['ci', ...flags], { cwd: fileURLToPath(new URL('.', `file://${contenderFile('package.json')}`)), stdio: 'inherit' })
  if (status !== 0) throw new Error(`Cannot install the peers as "npm ci" failed: exit code ${status}`)
}
