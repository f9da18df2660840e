/**
 * A small volume service over HTTP: what a user of Reeve could have written.
 * Any number of workers serve one listening socket and one directory.
 *
 *     launcher --listen http=tcp://127.0.0.1:8080 dist/examples/volume/service.js
 *     curl -T disk.img http://127.0.0.1:8080/volumes/disk.img
 *
 * Reading order: volume-file.ts (how a volume lies on the disk), volume-store.ts
 * (why a kill loses nothing), volume-server.ts (the routes), volume-turns.ts (what waits
 * for what), volume-copies.ts and blocking-volume.ts (work in threads), scrubber.ts and sweeper.ts
 * (what is divided among the workers of all hosts, and what only one of them does).
 */
import { once } from 'node:events'
import type { Server } from 'node:http'
import { defineService, type ServiceContext } from 'reeve'
import { defineOptions } from 'reeve/config'
import { tpool } from 'reeve/tpool'
import { volumeError } from './errors.js'
import { Scrubber } from './scrubber.js'
import { sweepWhileLeading } from './sweeper.js'
import { type BlockingVolume, VolumeCopies } from './volume-copies.js'
import { createVolumeServer } from './volume-server.js'
import { VolumeStore } from './volume-store.js'

export const options = defineOptions({
  volume: {
    data_dir: {
      type: 'string',
      default: './volumes',
      help: 'Where the volumes are: one directory, the same for all workers. Made when it is missing.',
    },
    max_volume_size: {
      type: 'size',
      defaultBytes: 10 * 2 ** 30,
      help: 'A larger upload is refused with 413.',
    },
    idle_timeout: {
      type: 'duration',
      defaultMs: 60_000,
      minMs: 1_000,
      help: 'A connection over which nothing moves for so long is cut; an upload is given up with 408.',
    },
    flatten_rate: {
      type: 'size',
      defaultBytes: 0,
      help: 'Bytes a second that a flatten reads and writes at most, to leave the disk to others. 0: no limit.',
    },
    scrub_interval: {
      type: 'duration',
      defaultMs: 10_000,
      minMs: 100,
      help: 'Each worker reads one volume of its share back in each interval, and logs volume.rot when its sha256 is wrong.',
    },
  },
})

/** A draft untouched for so many idle timeouts has no living writer. */
const STALE_IDLE_TIMEOUTS = 10

type Lock = ReturnType<ServiceContext['coordinator']['lock']>

const loadBlocking = (): Promise<BlockingVolume> => tpool.proxy(new URL('./blocking-volume.js', import.meta.url))

/** Does nothing when somebody else holds it. */
async function holding(lock: Lock, work: (lost: AbortSignal) => Promise<void>): Promise<void> {
  await using held = await lock.tryAcquire()
  if (held) await work(held.lost)
}

export default defineService((context) => {
  const { log, timers, coordinator } = context
  const { dataDir, maxVolumeSizeBytes, idleTimeoutMs, flattenRateBytes, scrubIntervalMs } = context.config.of(options).volume
  let server: Server | undefined
  let sweeping: Promise<void> | undefined

  return {
    async start() {
      const target = context.sockets['http']
      if (target === undefined) {
        throw volumeError('VOLUME_SOCKET_MISSING', `Cannot serve volumes as the launcher must be started with a socket named http, --listen http=tcp://127.0.0.1:8080: it has ${Object.keys(context.sockets).join(', ') || 'none'}`)
      }
      const store = await VolumeStore.open(dataDir)
      const copies = new VolumeCopies({ store, load: loadBlocking, flattenBytesPerSecond: flattenRateBytes || Number.POSITIVE_INFINITY })
      server = createVolumeServer({ store, copies, context, maxVolumeBytes: maxVolumeSizeBytes, idleTimeoutMs })
      await coordinator.group('volume').join()
      server.listen(target)
      await once(server, 'listening')

      const ring = coordinator.hashRing('volume')
      const scrubber = new Scrubber({ store, log, isMine: (name) => ring.isMine(name), alone: (name, work) => holding(coordinator.lock(`scrub/${name}`), work) })
      timers.add('scrub', (signal) => scrubber.scrubNext(signal), { intervalMs: scrubIntervalMs })
      const staleMs = STALE_IDLE_TIMEOUTS * idleTimeoutMs
      sweeping = sweepWhileLeading({ store, log, election: coordinator.election('volume-sweep'), staleMs }, context.signal)
      log.info('volume.listening', { url: target.url, directory: store.directory })
    },

    async stop() {
      await sweeping
      if (!server?.listening) return
      server.close()
      await once(server, 'close')
    },
  }
})
