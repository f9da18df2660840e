/**
 * A way to send messages to another process and to hear its own, in order, each
 * whole: a socket, or the IPC channel of a worker. Messages survive JSON.
 */
export interface Channel {
  send(message: object): void
  onMessage(listener: (message: unknown) => void): void
  /** Called once, when nothing can come any more. */
  onClose(listener: () => void): void
  close?(): void
}
