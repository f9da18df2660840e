import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { EmbeddedStore } from '#src/coordination/embedded/embedded-store.js'
import { openSharedStore } from '#src/coordination/embedded/socket-client.js'
import { FakeClock } from '../../support/fake-clock.js'
import type { Driver } from './scene.js'

/** Timers may be early by less. */
export const CLOCK_GRAIN_MS = 25

const available = async (): Promise<undefined> => undefined
const silent = { info: (): void => {}, warn: (): void => {} }

/** In this process, with a clock that only the test moves. */
export const embedded: Driver = {
  name: 'embedded',
  unavailable: available,
  open: async () => {
    const clock = new FakeClock()
    const first = new EmbeddedStore({ clock })
    const second = first.client('second')
    return {
      first,
      second,
      openClient: async () => first.client('a further one'),
      advance: (ms) => clock.advance(ms),
      close: async () => {
        await second.close()
        await first.close()
      },
    }
  },
}

/** Shared over a Unix socket: the first client serves it, too. */
export const shared: Driver = {
  name: 'embedded over a socket',
  unavailable: available,
  open: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'reeve-contract-'))
    const open = (clientName: string) => openSharedStore(join(folder, 'store.sock'), { log: silent, clientName, maxTtlMs: 3_600_000, mayServe: true, commandTimeoutMs: 10_000 })
    const first = await open('first')
    const second = await open('second')
    return {
      first,
      second,
      openClient: () => open('a further one'),
      advance: (ms) => sleep(ms + CLOCK_GRAIN_MS),
      close: async () => {
        await second.close()
        await first.close()
        await rm(folder, { recursive: true })
      },
    }
  },
}
