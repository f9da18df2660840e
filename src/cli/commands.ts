/** A command: what it is for, and the code, loaded when it is called. */
export interface Command {
  readonly usage: string
  readonly summary: string
  load(): Promise<(args: readonly string[], showHelp: () => Promise<number>) => Promise<number>>
}

export const COMMANDS: Readonly<Record<string, Command>> = {
  run: {
    usage: '[run] [OPTIONS] SERVICE [ARGUMENTS]',
    summary: 'run the service module with one worker per CPU, until it is stopped',
    load: async () => (await import('./commands/run.js')).run,
  },
  check: {
    usage: 'check [--boot] [OPTIONS] SERVICE',
    summary: 'check the configuration; with --boot bring one worker to ready and stop it',
    load: async () => (await import('./commands/check.js')).check,
  },
  config: {
    usage: 'config sample|show|validate [--json] [OPTIONS] [SERVICE]',
    summary: 'print every option; print each value with where it comes from; check them',
    load: async () => (await import('./commands/config.js')).config,
  },
  status: {
    usage: 'status [--json] [NAME]',
    summary: 'show the launcher and its workers',
    load: async () => (await import('./commands/control.js')).status,
  },
  workers: {
    usage: 'workers [--json] [NAME]',
    summary: 'show the workers alone',
    load: async () => (await import('./commands/control.js')).workers,
  },
  stop: {
    usage: 'stop [--wait] [NAME]',
    summary: 'stop gracefully; with --wait until it has ended',
    load: async () => (await import('./commands/control.js')).stop,
  },
  reload: {
    usage: 'reload [--wait] [NAME]',
    summary: 'replace every worker, new ones first; with --wait until that has succeeded or failed',
    load: async () => (await import('./commands/control.js')).reload,
  },
  scale: {
    usage: 'scale [--service SERVICE] N [NAME]',
    summary: 'have N workers from now on',
    load: async () => (await import('./commands/control.js')).scale,
  },
  signal: {
    usage: 'signal SIGNAL [NAME]',
    summary: 'send a signal to the launcher: HUP, USR1, TTIN …',
    load: async () => (await import('./commands/control.js')).signal,
  },
  locks: {
    usage: 'locks [--json] [--coordination URL] [NAME]',
    summary: 'show the locks that are held, waited for or closed, and who has them',
    load: async () => (await import('./commands/coordination.js')).locks,
  },
  lock: {
    usage: 'lock show|force-release LOCK [--json] [--yes] [--lock-delay TIME] [--reason TEXT] [--coordination URL] [NAME]',
    summary: 'show a lock with its queue; take it from its holder, so that others may have it at once or after TIME',
    load: async () => (await import('./commands/coordination-lock.js')).lock,
  },
  leaders: {
    usage: 'leaders [--json] [--coordination URL] [NAME]',
    summary: 'show who leads what',
    load: async () => (await import('./commands/coordination.js')).leaders,
  },
  groups: {
    usage: 'groups [--json] [--coordination URL] [NAME]',
    summary: 'show the groups and how many members each has',
    load: async () => (await import('./commands/coordination.js')).groups,
  },
  members: {
    usage: 'members GROUP [--json] [--coordination URL] [NAME]',
    summary: 'show the members of a group and what they can do',
    load: async () => (await import('./commands/coordination.js')).members,
  },
  services: {
    usage: 'services [--json] [--coordination URL] [NAME]',
    summary: 'show the service records; exit 1 when one that is not disabled is down',
    load: async () => (await import('./commands/coordination-service.js')).services,
  },
  service: {
    usage: 'service enable|disable SERVICE [--reason TEXT] [--coordination URL] [NAME]',
    summary: 'let a service take work again; let it take no new work, for a reason',
    load: async () => (await import('./commands/coordination-service.js')).service,
  },
}
