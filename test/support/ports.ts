import { once } from 'node:events'
import net from 'node:net'
import type { AddressInfo } from 'node:net'

/** A port of 127.0.0.1 on which nobody listens at the moment: for a program that must be told a port. */
export async function freePort(): Promise<number> {
  const server = await listener()
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Somebody who listens on a free port of 127.0.0.1. Close it. */
export async function listener(): Promise<net.Server> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
