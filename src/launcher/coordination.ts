import type { CoordinationStatus } from '../admin/status.js'
import { systemClock } from '../base/clock.js'
import { messageOf } from '../base/errors.js'
import { loadCoordination } from '../coordination/load.js'
import { openLeaseRegister, readLeaseRegister } from '../ipc/lease-register.js'
import type { LauncherMessage } from '../ipc/messages.js'
import type { CoordinationHooks } from './worker-process.js'

type Host = ReturnType<ReturnType<typeof loadCoordination>['createHostCoordination']>
type Session = ReturnType<Host['attach']>
type HostOptions = Parameters<ReturnType<typeof loadCoordination>['createHostCoordination']>[0]

/** One worker's coordination, from before its fork. */
export interface WorkerCoordination extends CoordinationHooks {
  /** What the worker inherits; closed when it has died. Undefined with `embedded:`, where the launcher itself sees what it held. */
  readonly registerFd: number | undefined
}

/** The launcher's coordination, loaded when the first worker asks for it. */
export class LauncherCoordination {
  readonly #options: HostOptions
  #host: Host | undefined

  constructor(options: HostOptions) {
    this.#options = options
  }

  /** @throws CodedError COORDINATION_URL_INVALID */
  get host(): Host {
    this.#host ??= loadCoordination().createHostCoordination(this.#options)
    return this.#host
  }

  /** For a worker that is about to be forked. */
  forWorker(heartbeatIntervalMs: number): WorkerCoordination {
    const registerFd = this.#options.url === 'embedded:' ? undefined : openLeaseRegister()
    let send: (message: LauncherMessage) => void = () => {}
    let lastBeat: number | undefined
    let session: Session | undefined
    let dead = false
    const open = (): Session => {
      session ??= this.host.attach({ send: (body) => send({ reeve: 'coordination', body }), lastBeat: () => lastBeat, heartbeatIntervalMs })
      return session
    }
    return {
      registerFd,
      connect: (sendToWorker) => { send = sendToWorker },
      onCoordination: (body) => { if (!dead) open().receive(body) },
      onBeat: () => { lastBeat = systemClock.now() },
      onDeath: () => {
        if (dead) return
        dead = true
        const notes = registerFd === undefined ? [] : readLeaseRegister(registerFd)
        if (!session && notes.length === 0) return
        open().died(notes).catch((error: unknown) => this.#options.log.warn(`what a dead worker held was not given back: ${messageOf(error)}`))
      },
    }
  }

  /** Undefined while no worker has used it. */
  async status(): Promise<CoordinationStatus | undefined> {
    return await this.#host?.status()
  }

  /** Leaves every group and closes what was opened. */
  async stop(): Promise<void> {
    await this.#host?.stop()
  }
}
