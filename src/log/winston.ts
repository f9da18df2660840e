import { createRequire } from 'node:module'
import type { Logform, Logger as WinstonLogger, LoggerOptions } from 'winston'
import type TransportStream from 'winston-transport'
import type { FormatRecord, LogRecord } from './format.js'
import { LOG_LEVELS } from './level.js'

/** What goes through winston: the user's fields are nested, so that none can mean something to winston. */
interface Info extends LogRecord {
  [MESSAGE]: string
}

/** Where winston's formats leave the finished line. */
const MESSAGE = Symbol.for('message')

/**
 * Loads winston, and gives back a function that sends a record through one logger
 * of it: its format calls `format`, its transport calls `write` with the line,
 * all before the function returns.
 *
 * Loaded by the first record that is written, not before: about 20 ms and 10 MB,
 * which a worker that has nothing to say need not pay. The file that makes a
 * logger costs two thirds of the package's main file, which loads formats and
 * transports that are not used here. One logger for all children, as each more of
 * them adds listeners to the transport.
 */
export function connectWinston(format: FormatRecord, write: (line: string) => void): (record: LogRecord) => void {
  const { createLogger, Transport } = loadWinston()
  const transport = new Transport({
    log: (info: Info, next: () => void) => {
      write(info[MESSAGE])
      next()
    },
  })
  const logger = createLogger({
    levels: Object.fromEntries(LOG_LEVELS.map((level, rank) => [level, rank])),
    level: 'trace',
    format: { transform: (info) => Object.assign(info, { [MESSAGE]: format(info as unknown as LogRecord) }) } satisfies Logform.Format,
    transports: transport,
  })
  return (record) => void logger.log({ ...record })
}

interface Winston {
  readonly createLogger: (options: LoggerOptions) => WinstonLogger
  readonly Transport: typeof TransportStream
}

function loadWinston(): Winston {
  const require = createRequire(import.meta.url)
  const requireOfWinston = createRequire(require.resolve('winston'))
  return {
    createLogger: require('winston/lib/winston/create-logger.js') as Winston['createLogger'],
    Transport: requireOfWinston('winston-transport') as Winston['Transport'],
  }
}
