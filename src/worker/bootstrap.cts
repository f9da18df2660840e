/*
 * The first file of a worker process. CommonJS, for it runs before Node turns to
 * its event loop: node:cluster listens for messages already, so that one which
 * came while ES modules are still loading would be lost, and a signal would kill.
 */
const messages: unknown[] = []
const signals: NodeJS.Signals[] = []
const keep = (message: unknown): void => { messages.push(message) }
const note = (signal: NodeJS.Signals): void => { signals.push(signal) }

process.on('message', keep)
process.on('SIGTERM', note)
process.on('SIGINT', note)
// A terminal that goes away tells the whole group: what follows is the launcher's decision.
process.on('SIGHUP', () => {})

void import('./main.js').then(({ begin }) => {
  // Begun before these listeners go: without any, Node forgets a signal that it has caught and not yet told of.
  begin(messages, signals)
  process.off('message', keep)
  process.off('SIGTERM', note)
  process.off('SIGINT', note)
})
