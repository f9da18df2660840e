/**
 * Bar 5: requests that fail while a fleet of 2 is reloaded again and again under
 * 32 keep-alive connections, each of which has a request on its way at any time.
 *
 * Failures are counted, not timed, so the contenders are measured one after the
 * other. The client honours `Connection: close`; it never sends a request twice.
 */
import { readArguments } from './support/arguments.js'
import { bareReload, chooseContenders, pm2, reeveReload } from './support/contenders.js'
import type { Contender } from './support/contender.js'
import { Fleet } from './support/fleet.js'
import { failureCount, Load } from './support/load.js'
import type { LoadResult } from './support/load-plan.js'
import { number, printBar, printTable, printTitle } from './support/report.js'
import { median } from './support/statistics.js'

interface Outcome extends LoadResult {
  readonly name: string
  readonly reloadMs: readonly number[]
}

const WORKERS = 2
const CONNECTIONS = 32
const RELOAD_TIMEOUT_MS = 60_000
const { rounds, only } = readArguments({ rounds: 20, quickRounds: 3 })

printTitle(`reload: ${rounds} rolling reloads of ${WORKERS} workers under ${CONNECTIONS} keep-alive connections`)
const outcomes: Outcome[] = []
for (const contender of chooseContenders([bareReload, pm2, reeveReload], only)) outcomes.push(await reloadUnderLoad(contender))

printTable(
  ['contender', 'reloads', 'ms a reload', 'requests', 'failed', 'p99 ms', 'why'],
  outcomes.map((outcome) => [
    outcome.name,
    String(outcome.reloadMs.length),
    number(median(outcome.reloadMs)),
    String(outcome.requests),
    String(failureCount(outcome)),
    number(outcome.p99Ms),
    Object.entries(outcome.failures).map(([reason, count]) => `${count} ${reason}`).join(', '),
  ]),
)
const reeveOutcome = outcomes.find(({ name }) => name === 'reeve')
printBar({ what: `failed requests in ${rounds} reloads of Reeve`, value: reeveOutcome ? failureCount(reeveOutcome) : Number.NaN, limit: { atMost: 0 } })

async function reloadUnderLoad(contender: Contender): Promise<Outcome> {
  await using fleet = await Fleet.start(contender, { workers: WORKERS })
  await using load = await Load.start({ port: fleet.port, connections: CONNECTIONS, style: 'keep-alive', warmUpMs: 1_000 })
  const reloadMs: number[] = []
  for (let round = 0; round < rounds; round++) {
    const startedAt = performance.now()
    await fleet.reload(RELOAD_TIMEOUT_MS)
    reloadMs.push(performance.now() - startedAt)
  }
  return { name: fleet.name, reloadMs, ...(await load.finish()) }
}
