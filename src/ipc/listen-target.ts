/**
 * A listening socket that the launcher owns, as a worker sees it:
 * `server.listen(context.sockets.http)`.
 *
 * The socket was bound and made to listen before any worker started. Every
 * worker inherits the same one and takes connections out of the same queue, so
 * what waits in it survives the death of a worker and a reload.
 */
export interface ListenTarget {
  /** Its name: from `--listen NAME=URL`, or systemd's `FileDescriptorName=`. */
  readonly name: string
  /** Where it listens, with the real port: `tcp://127.0.0.1:8080`, `unix:/run/x.sock`. */
  readonly url: string
  /** The descriptor in this process. Listen on the target, not on `{ fd }`: in a cluster worker that means the launcher's descriptor. */
  readonly fd: number
}
