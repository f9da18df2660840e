import type { ChildPolicy } from '#src/launcher/child-state.js'
import type { ServiceSpec } from '#src/launcher/fleet.js'

export const POLICY: ChildPolicy = {
  restartType: 'permanent', bootTimeoutMs: 60_000, hangTimeoutMs: 30_000, minHealthyMs: 10_000,
  gracefulShutdownTimeoutMs: 60_000, backoffMaxMs: 30_000, random: () => 1,
}

/** A service with one worker and the launcher's defaults, but for what is given. */
export function serviceSpec({ policy, ...given }: Partial<Omit<ServiceSpec, 'policy'>> & { readonly policy?: Partial<ChildPolicy> } = {}): ServiceSpec {
  return {
    name: 'api', modulePath: '/srv/api.js', workers: 1, args: [], imports: [], env: {}, cwd: undefined, sockets: [], critical: true,
    readyWhen: 'auto', heartbeatIntervalMs: 1_000, keepAliveGraceMs: null, maxConcurrent: 1_024, nativeThreads: 20, loopDelayWarningMs: 500, limit: { intensity: 10, periodMs: 60_000 },
    policy: { ...POLICY, ...policy },
    ...given,
  }
}
