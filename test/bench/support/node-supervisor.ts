import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { FleetPlan, Supervisor } from './contender.js'
import { withDescriptors } from './environment.js'
import { signalIfAlive, untilGone } from './processes.js'

const STOP_MS = 10_000

/** A supervisor that is one Node process in the foreground, led by signals: bare, throng, Reeve. */
export class NodeSupervisor implements Supervisor {
  readonly reload: (() => void) | undefined
  readonly #args: readonly string[]
  readonly #plan: FleetPlan
  #child: ChildProcess | undefined

  constructor(args: readonly string[], plan: FleetPlan, reloadSignal?: NodeJS.Signals) {
    this.#args = args
    this.#plan = plan
    this.reload = reloadSignal && (() => signalIfAlive(this.pid, reloadSignal))
  }

  start(): void {
    this.#child = spawnNode(this.#args, this.#plan)
  }

  get pid(): number {
    return this.#child?.pid ?? Number.NaN
  }

  async stop(): Promise<void> {
    if (Number.isNaN(this.pid)) return
    signalIfAlive(this.pid, 'SIGTERM')
    await untilGone([this.pid], STOP_MS)
  }
}

/** Spawns `node ...args` with the plan's environment and limits; its output goes to `output.log` in the fleet's directory. */
export function spawnNode(args: readonly string[], plan: FleetPlan): ChildProcess {
  const command = [process.execPath, ...args]
  const [file = '', ...rest] = plan.descriptors === undefined ? command : withDescriptors(plan.descriptors, command)
  const log = openSync(join(plan.directory, 'output.log'), 'a')
  try {
    return spawn(file, rest, { cwd: plan.directory, env: plan.env, stdio: ['ignore', log, log] })
  } finally {
    closeSync(log)
  }
}
