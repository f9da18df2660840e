import { EXIT } from '../base/exit-code.js'
import { HostLink, installHostLink } from '../ipc/host-link.js'
import { isLauncherMessage } from '../ipc/messages.js'
import { Servers } from './servers.js'
import { tell } from './tell.js'
import { Worker } from './worker.js'

/**
 * Begins a worker, with what came before this was loaded.
 *
 * What is imported from here, every worker pays for at each start, eight of them
 * at once: winston, convict, koffi and the parsers load when they are first used.
 */
export function begin(messages: readonly unknown[], signals: readonly NodeJS.Signals[]): void {
  const servers = new Servers()
  servers.install()
  let worker: Worker | undefined
  let link: HostLink | undefined

  const stop = (): void => {
    // Not told yet what to be: nothing has begun.
    if (!worker) process.exit(EXIT.clean)
    void worker.stop()
  }
  const receive = (message: unknown): void => {
    if (!isLauncherMessage(message)) return
    if (message.reeve === 'reopen-logs') return worker?.reopenLogs()
    if (message.reeve === 'coordination') return link?.receive(message.body)
    link = new HostLink(message.coordinationUrl, message.leaseRegisterFd, (body) => tell({ reeve: 'coordination', body }))
    installHostLink(link)
    worker = new Worker(message, servers)
    void worker.boot()
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('message', receive)
  messages.forEach(receive)
  if (signals.length > 0) stop()
}
