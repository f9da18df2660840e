// A service of Reeve that wants to lead, from its start to its end.
import { reportReady } from './app.mjs'
import { hearResign, reportLeader } from './leader-events.mjs'

export default (context) => ({
  start() {
    void lead(context)
    reportReady()
  },
  stop() {},
})

async function lead({ coordinator, signal, log }) {
  const resignRequested = hearResign()
  const election = coordinator.election('bench')
  try {
    while (!signal.aborted) {
      reportLeader('campaigning')
      const leadership = await election.campaign({ signal })
      reportLeader('leader')
      await Promise.race([resignRequested(), new Promise((resolve) => leadership.lost.addEventListener('abort', resolve))])
      reportLeader('resigning')
      await leadership.resign()
    }
  } catch (error) {
    if (!signal.aborted) log.error(`no longer a candidate: ${error.message}`)
  }
}
