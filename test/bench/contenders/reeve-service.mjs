// The same server as a service of Reeve, on a socket that the launcher owns.
import { createApp, reportReady } from './app.mjs'

export default (context) => {
  const server = createApp()
  return {
    start: () => new Promise((resolve) => {
      server.listen(context.sockets.http, () => {
        reportReady()
        resolve()
      })
    }),
    stop() {},
  }
}
