import type { Logger } from '#src/log/logger.js'

/** A logger that keeps what it is told, as `level message`. */
export function keepingLogger(lines: string[]): Logger {
  const at = (level: string) => (message: string): void => { lines.push(`${level} ${message}`) }
  const log: Logger = { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug'), trace: at('trace'), child: () => log, isEnabled: () => true }
  return log
}
