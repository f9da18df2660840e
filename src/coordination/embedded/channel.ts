/**
 * A way to send messages to another process and to hear its own, in order, each
 * whole: a socket, or the IPC channel of a worker. Messages survive JSON.
 */
export interface Channel {
  send(message: object): void
  onMessage(listener: (message: unknown) => void): void
  /**
   * Called once, when nothing can come any more. `other end`: who is there closed it, or
   * died; `this end`: it was cut from here, and who is there may live.
   */
  onClose(listener: (closedBy: 'other end' | 'this end') => void): void
  close?(): void
}
