import type { RedisScript } from '../port.js'
import { clock } from './clock.js'

/** The server's clock. KEYS any key, for the way to the server. Answers ms since 1970. */
export const SERVER_TIME_SCRIPT: RedisScript = {
  name: 'server-time',
  flags: ['no-writes'],
  lua: `${clock('ARGV[1]')}
return now
`,
}
