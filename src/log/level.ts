/** From the gravest to the most talkative. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug', 'trace'] as const

export type LogLevel = (typeof LOG_LEVELS)[number]

/** Which levels are written: the cached answer that makes a disabled level free. */
export type EnabledLevels = Record<LogLevel, boolean>

/**
 * True for `level` and all that are graver.
 *
 * @throws RangeError when `level` is not one of `LOG_LEVELS`
 */
export function levelsUpTo(level: LogLevel): EnabledLevels {
  const last = LOG_LEVELS.indexOf(level)
  if (last < 0) throw new RangeError(`Cannot set the log level as it must be one of ${LOG_LEVELS.join(', ')}: ${level}`)
  return { error: last >= 0, warn: last >= 1, info: last >= 2, debug: last >= 3, trace: last >= 4 }
}
