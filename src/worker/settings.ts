import type { OptionGroups } from '../base/option.js'
import { configFromSnapshot, type Config } from '../config/config.js'
import type { ConfigHandoff } from '../config/handoff.js'
import type { StartMessage } from '../ipc/messages.js'
import { createLogger, type RootLogger } from '../log/create-logger.js'
import { logOptions } from '../log/options.js'

/** Configuration and log of a worker. */
export interface Settings {
  readonly config: Config
  readonly log: RootLogger
  /**
   * Gives the service its options. What neither it nor the launcher knows is an error.
   * @throws CodedError CONFIG_INVALID
   */
  claim(options: OptionGroups | undefined): Promise<void>
}

/** The launcher has checked its own options and read every file: here they are only revived. */
export function openSettings({ config: handoff, name, workerId }: StartMessage): Settings {
  const { snapshot, unclaimed, isOnlyService } = handoff as ConfigHandoff
  let config = configFromSnapshot(snapshot)
  const log = createLogger({ ...config.of(logOptions).log, fields: { service: name, workerId, pid: process.pid }, transport: 'sync' })
  return {
    get config() { return config },
    log,
    async claim(options) {
      let left = unclaimed
      if (options) {
        // Convict loads only for a service with options of its own.
        const { extendConfig } = await import('../config/resolve.js')
        ;({ config, unclaimed: left } = extendConfig(config, options, unclaimed))
      }
      // Of several services, another may have declared what is in a group that this one does not know.
      if (!isOnlyService) left = left.filter((entry) => 'key' in entry && options !== undefined && Object.hasOwn(options, entry.group))
      if (left.length === 0) return
      const { knownOptions, rejectUnclaimed } = await import('../config/unclaimed.js')
      rejectUnclaimed(left, knownOptions(config))
    },
  }
}
