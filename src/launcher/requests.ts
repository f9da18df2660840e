import { CodedError } from '../base/errors.js'
import type { ControlHandler } from '../admin/control-server.js'
import type { ControlRequest } from '../admin/protocol.js'
import { EXIT } from '../base/exit-code.js'
import type { LauncherStatus } from '../admin/status.js'
import { SIGNALS, type LauncherSignal } from './signals.js'
import type { Outcome } from './supervisor-ports.js'
import type { Supervisor } from './supervisor.js'

export interface RequestParts {
  /** Runs `work` in the supervisor's loop, and gives what it gives. */
  inLoop<T>(work: (supervisor: Supervisor) => T | Promise<T>): Promise<T>
  status(supervisor: Supervisor): LauncherStatus
  onSignal(signal: LauncherSignal): void
  /** Resolves when the launcher has stopped. */
  readonly stopped: Promise<Outcome>
}

/** The methods of the control socket: `status`, `stop {wait}`, `reload {wait}`, `scale {service?, workers}`, `signal {signal}`. */
export function requestHandler(parts: RequestParts): ControlHandler {
  const methods: Readonly<Record<string, (request: ControlRequest) => Promise<unknown>>> = {
    status: () => parts.inLoop((supervisor) => parts.status(supervisor)),

    stop: async ({ params }) => {
      await parts.inLoop((supervisor) => supervisor.stop(EXIT.clean, 'asked for by the control socket'))
      return params['wait'] === true ? await parts.stopped : { stopping: true }
    },

    reload: async ({ params }) => {
      const done = new Promise((resolve) => {
        void parts.inLoop((supervisor) => supervisor.requestReload(resolve))
      })
      return params['wait'] === true ? await done : { reloading: true }
    },

    scale: ({ params }) => parts.inLoop((supervisor) => {
      const { service = supervisor.services[0]?.spec.name, workers } = params
      const found = supervisor.services.find(({ spec }) => spec.name === service)
      if (!found) throw invalid('scale', `there is no such service, but: ${supervisor.services.map(({ spec }) => spec.name).join(', ')}`, service)
      if (typeof workers !== 'number') throw invalid('scale', '"workers" is a number', workers)
      supervisor.scale(found, workers)
      return parts.status(supervisor)
    }),

    signal: ({ params }) => {
      const signal = SIGNALS.find((known) => known === params['signal'] || known === `SIG${String(params['signal']).toUpperCase()}`)
      if (!signal) throw invalid('signal', `the launcher knows ${SIGNALS.join(', ')}`, params['signal'])
      parts.onSignal(signal)
      return Promise.resolve({ sent: signal })
    },
  }
  return async (request) => {
    const method = Object.hasOwn(methods, request.method) ? methods[request.method] : undefined
    if (!method) throw new CodedError('CONTROL_UNKNOWN_METHOD', `Cannot answer "${request.method}" as there is no such method, but: ${Object.keys(methods).join(', ')}`)
    return await method(request)
  }
}

function invalid(method: string, rule: string, value: unknown): CodedError {
  return new CodedError('CONTROL_INVALID_REQUEST', `Cannot answer "${method}" as ${rule}: ${String(value)}`)
}
