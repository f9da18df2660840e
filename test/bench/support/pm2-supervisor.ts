import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FleetPlan, Supervisor } from './contender.js'
import { spawnNode } from './node-supervisor.js'
import { contenderFile } from './paths.js'
import { untilGone } from './processes.js'

const STOP_MS = 10_000

/**
 * pm2 in cluster mode, its daemon warm and its home in the fleet's directory.
 * "Discrete" keeps it from asking a server on the Internet for its newest version.
 */
export class Pm2Supervisor implements Supervisor {
  readonly #plan: FleetPlan

  constructor(plan: FleetPlan) {
    const env = { ...plan.env, PM2_HOME: plan.directory, PM2_DISCRETE_MODE: 'true', PM2_DISABLE_VERSION_CHECK: 'true' }
    this.#plan = { ...plan, env }
  }

  async startDaemon(): Promise<void> {
    await this.#run('ping')
  }

  start(): void {
    void this.#run('start', contenderFile('program.mjs'), '-i', String(this.#plan.workers))
  }

  get pid(): number {
    return Number(readFileSync(join(this.#plan.directory, 'pm2.pid'), 'utf8'))
  }

  readonly reload = (): void => {
    void this.#run('reload', 'all')
  }

  async stop(): Promise<void> {
    const daemon = this.pid
    await this.#run('kill')
    await untilGone([daemon], STOP_MS)
  }

  async #run(...args: readonly string[]): Promise<void> {
    await once(spawnNode([contenderFile('node_modules/pm2/bin/pm2'), ...args], this.#plan), 'exit')
  }
}
