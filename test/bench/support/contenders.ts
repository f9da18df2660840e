import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Contender, FleetPlan } from './contender.js'
import { NodeSupervisor } from './node-supervisor.js'
import { contenderFile, installPeers, LAUNCHER } from './paths.js'
import { Pm2Supervisor } from './pm2-supervisor.js'

/** A 20-line `node:cluster` primary: the floor that the bars are held against. */
export const bare: Contender = {
  name: 'bare',
  prepare: async (plan) => new NodeSupervisor([contenderFile('bare-primary.mjs')], plan),
}

/** No supervisor at all: one `node` process that runs the program. */
export const plain: Contender = {
  name: 'node',
  prepare: async (plan) => new NodeSupervisor([contenderFile('program.mjs')], plan),
}

/** The rolling reload that most people write first, on node:cluster. */
export const bareReload: Contender = {
  name: 'naive',
  prepare: async (plan) => new NodeSupervisor([contenderFile('bare-reload-primary.mjs')], plan, 'SIGHUP'),
}

export const throng: Contender = {
  name: 'throng',
  prepare: async (plan) => new NodeSupervisor([contenderFile('throng-primary.mjs')], plan),
}

/** pm2 in cluster mode. */
export const pm2: Contender = {
  name: 'pm2',
  prepare: async (plan) => {
    const supervisor = new Pm2Supervisor(plan)
    await supervisor.startDaemon()
    return supervisor
  },
}

/** Reeve with a socket of its own: the service does `server.listen(context.sockets.http)`. */
export const reeve: Contender = {
  name: 'reeve',
  missing: missingLauncher(),
  prepare: async (plan) => {
    const listen = ['--listen', `http=tcp://127.0.0.1:${plan.port}`]
    return new NodeSupervisor(reeveArguments(plan, [...listen, contenderFile('reeve-service.mjs')]), plan, 'SIGHUP')
  },
}

/** Reeve in script mode: a program that knows nothing of it and does `server.listen(port)`. */
export const reeveScript: Contender = {
  name: 'reeve-script',
  missing: missingLauncher(),
  prepare: async (plan) => new NodeSupervisor(reeveArguments(plan, [contenderFile('program.mjs')]), plan, 'SIGHUP'),
}

/** Reeve that trusts a new worker after 1 s instead of 10, so that twenty reloads end in this hour. */
export const reeveReload: Contender = {
  name: 'reeve',
  missing: missingLauncher(),
  prepare: async (plan) => {
    const options = ['--min-healthy', '1', '--listen', `http=tcp://127.0.0.1:${plan.port}`]
    return new NodeSupervisor(reeveArguments(plan, [...options, contenderFile('reeve-service.mjs')]), plan, 'SIGHUP')
  },
}

/**
 * Those of `contenders` that can run, and are named in `only` if that is given.
 * Installs the peers; prints a line for each contender that cannot run.
 */
export function chooseContenders(contenders: readonly Contender[], only: readonly string[] | undefined): Contender[] {
  installPeers()
  const wanted = contenders.filter(({ name }) => only?.includes(name) ?? true)
  for (const { name, missing } of wanted) if (missing !== undefined) console.log(`NOT RUN: ${name}, as ${missing}`)
  return wanted.filter(({ missing }) => missing === undefined)
}

function reeveArguments(plan: FleetPlan, rest: readonly string[]): string[] {
  const control = join(plan.directory, 'control.sock')
  return [LAUNCHER, 'run', '--workers', String(plan.workers), '--control', control, ...rest]
}

function missingLauncher(): string | undefined {
  return existsSync(LAUNCHER) ? undefined : `there is no ${LAUNCHER}: run "npm run build"`
}
