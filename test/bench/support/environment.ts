/**
 * The environment of everything a benchmark starts: ours, without what would
 * slow each Node process (NODE_EXTRA_CA_CERTS: 50 ms a start) or change how a
 * contender behaves (options of Node, of npm, of Reeve, of pm2).
 */
export function benchEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(NODE_|npm_|REEVE_|PM2_|pm_|NOTIFY_SOCKET$|LISTEN_)/.test(name))
  return { ...Object.fromEntries(inherited), ...extra }
}

/** A command line that raises the limit of open descriptors to `limit` and becomes `command`. */
export function withDescriptors(limit: number, command: readonly string[]): string[] {
  return ['/bin/sh', '-c', 'ulimit -n "$0" && exec "$@"', String(limit), ...command]
}
