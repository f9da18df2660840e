/** `reeve/log`: what a service needs to log, and to make a logger of its own. */
export { withLogFields } from './context.js'
export { createLogger, type CreateLoggerOptions, type RootLogger } from './create-logger.js'
export type { LogErrorCode } from './errors.js'
export type { LogFields } from './fields.js'
export type { LogFormat } from './format.js'
export { LOG_LEVELS, type LogLevel } from './level.js'
export type { Logger } from './logger.js'
