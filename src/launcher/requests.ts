import { CodedError } from '../base/errors.js'
import type { ControlHandler } from '../admin/control-server.js'
import { isRecord, type ControlRequest } from '../admin/protocol.js'
import { EXIT } from '../base/exit-code.js'
import type { LauncherStatus } from '../admin/status.js'
import { MAX_LOCK_DELAY_MS } from '../coordination/names.js'
import type { CoordinationStore, ResourceKind } from '../coordination/store.js'
import type { LauncherCoordination } from './coordination.js'
import { SIGNALS, type LauncherSignal } from './signals.js'
import type { Outcome } from './supervisor-ports.js'
import type { Supervisor } from './supervisor.js'

export interface RequestParts {
  /** Runs `work` in the supervisor's loop, and gives what it gives. */
  inLoop<T>(work: (supervisor: Supervisor) => T | Promise<T>): Promise<T>
  status(): Promise<LauncherStatus>
  onSignal(signal: LauncherSignal): void
  readonly coordination: LauncherCoordination
  /** Resolves when the launcher has stopped. */
  readonly stopped: Promise<Outcome>
}

/** The methods of the control socket: `status`, `stop {wait}`, `reload {wait}`, `scale {service?, workers}`, `signal {signal}`, `coordination {op, args}`. */
export function requestHandler(parts: RequestParts): ControlHandler {
  const methods: Readonly<Record<string, (request: ControlRequest) => Promise<unknown>>> = {
    status: () => parts.status(),

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

    scale: async ({ params }) => {
      await parts.inLoop((supervisor) => scale(supervisor, params))
      return await parts.status()
    },

    signal: ({ params }) => {
      const signal = SIGNALS.find((known) => known === params['signal'] || known === `SIG${String(params['signal']).toUpperCase()}`)
      if (!signal) throw invalid('signal', `the launcher knows ${SIGNALS.join(', ')}`, params['signal'])
      parts.onSignal(signal)
      return Promise.resolve({ sent: signal })
    },

    coordination: async ({ params }) => {
      const { op, args } = params
      const ask = typeof op === 'string' && Object.hasOwn(COORDINATION, op) ? COORDINATION[op] : undefined
      if (!ask) throw invalid('coordination', `"op" is one of ${Object.keys(COORDINATION).join(', ')}`, op)
      return withTextualFences(await ask(await parts.coordination.host.store(), isRecord(args) ? args : {}))
    },
  }
  return async (request) => {
    const method = Object.hasOwn(methods, request.method) ? methods[request.method] : undefined
    if (!method) throw new CodedError('CONTROL_UNKNOWN_METHOD', `Cannot answer "${request.method}" as there is no such method, but: ${Object.keys(methods).join(', ')}`)
    return await method(request)
  }
}

/** @throws CodedError CONTROL_INVALID_REQUEST, SCALE_INVALID */
function scale(supervisor: Supervisor, params: Arguments): void {
  const { service = supervisor.services[0]?.spec.name, workers } = params
  const found = supervisor.services.find(({ spec }) => spec.name === service)
  if (!found) throw invalid('scale', `there is no such service, but: ${supervisor.services.map(({ spec }) => spec.name).join(', ')}`, service)
  if (typeof workers !== 'number') throw invalid('scale', '"workers" is a number', workers)
  supervisor.scale(found, workers)
}

type Arguments = Readonly<Record<string, unknown>>

/** What an operator may ask of the store that this launcher has or is. */
const COORDINATION: Readonly<Record<string, (store: CoordinationStore, args: Arguments) => Promise<unknown>>> = {
  status: (store) => store.status(),
  listResources: (store, { kind }) => store.listResources(kind === 'leader' ? 'leader' : 'lock' satisfies ResourceKind),
  readResource: (store, { name }) => store.readResource(text('name', name)),
  forceRelease: (store, { name, by, lockDelayMs }) => store.forceRelease({ name: text('name', name), by: text('by', by), lockDelayMs: delay(lockDelayMs) }),
  listGroups: (store) => store.listGroups(),
  readGroup: (store, { group }) => store.readGroup(text('group', group)),
  mark: (store, { group, member, mark }) => store.mark({ group: text('group', group), member: text('member', member), mark: typeof mark === 'string' ? mark : null }),
}

function text(key: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw invalid('coordination', `"${key}" is text`, value)
}

function delay(value: unknown): number {
  if (value === undefined) return 0
  if (typeof value === 'number' && value >= 0 && value <= MAX_LOCK_DELAY_MS) return value
  throw invalid('coordination', `"lockDelayMs" is 0 to ${MAX_LOCK_DELAY_MS}`, value)
}

/** JSON has no bigint. */
function withTextualFences(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null, (_, each: unknown) => typeof each === 'bigint' ? String(each) : each))
}

function invalid(method: string, rule: string, value: unknown): CodedError {
  return new CodedError('CONTROL_INVALID_REQUEST', `Cannot answer "${method}" as ${rule}: ${String(value)}`)
}
