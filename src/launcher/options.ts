import type { OptionGroup, OptionGroups } from '../base/option.js'
import { logOptions } from '../log/options.js'
import { threadPoolOptions } from '../tpool/options.js'

/**
 * The launcher's own options: where each gets its default. `conf/launcher.conf.sample`,
 * the flags and their help, and the environment variables are all derived from here.
 */
export const launcherOptions = {
  name: { type: 'string', pattern: /[A-Za-z0-9_][A-Za-z0-9_.@-]*/, expected: 'letters, digits and any of _.@-', sampleDefault: "the module's base name", help: 'What this launcher is called: in logs, in the process list, and in the name of its control socket.' },
  host: { type: 'string', sampleDefault: "the machine's host name", help: 'The stable name of this host.' },
  workers: { type: 'string', pattern: /auto|[1-9][0-9]{0,3}/, expected: 'a whole number from 1 to 9999, or auto', default: 'auto', help: 'How many worker processes, at least 1; or "auto": one per CPU that the affinity mask and the cgroup quota grant.' },
  listen: { type: 'list', help: 'Sockets that the launcher binds before any worker starts and that every worker inherits: [NAME=]tcp://HOST:PORT or [NAME=]unix:/PATH[?mode=0660]. Without a name: http, then http2, http3 … Port 0 takes a free one.' },
  import: { type: 'list', help: 'Modules that each worker loads first, as by the --import of Node: "tsx" runs TypeScript.' },
  ready: { type: 'string', choices: ['auto', 'listen'], default: 'auto', help: 'When a program that was not written for Reeve counts as ready: "listen" at its first listening server, however long that takes; "auto" also half a second after its module was evaluated, when nothing has been told to listen by then.' },
  coordination_url: { type: 'string', default: 'embedded:', secret: true, help: 'Where locks, leaders, groups and service records are kept: "embedded:", the launcher itself, for its own workers; "embedded:/PATH.sock", a socket that several launchers of one host share; redis://[USER:PASSWORD@]HOST[:PORT][/DB], rediss://, redis+sentinel://HOST:PORT,HOST:PORT/NAME, redis+cluster://HOST:PORT,HOST:PORT for several hosts. Settings follow as ?max_ttl=15s&prefix=reeve&safety=strict.' },
  control_path: { type: 'string', sampleDefault: '$RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR/reeve or a private folder in /tmp, then NAME.sock', help: 'The control socket (mode 0600) through which "launcher status" and the other commands speak; "none" for no control socket.' },
  pid_file: { type: 'string', help: "Where to write the launcher's process id. That of a living launcher is refused, that of a dead one is taken over." },
  boot_timeout: { type: 'duration', defaultMs: 60_000, minMs: 1, help: 'From the fork of a worker to its being ready; then it is killed.' },
  heartbeat_interval: { type: 'duration', defaultMs: 1_000, minMs: 10, help: 'How often a worker tells that its event loop runs.' },
  hang_timeout: { type: 'duration', defaultMs: 30_000, minMs: 0, help: 'A ready worker that has not told so for this long is killed and replaced; 0: never.' },
  min_healthy: { type: 'duration', defaultMs: 10_000, minMs: 0, help: 'A worker that was ready for this long was healthy: its slot is restarted at once, and its back-off begins anew.' },
  graceful_shutdown_timeout: { type: 'duration', defaultMs: 60_000, minMs: 0, help: 'From SIGTERM to SIGKILL: how long a worker may take to finish what is in flight; 0: for ever.' },
  keep_alive_grace: { type: 'duration', minMs: 0, sampleDefault: "the server's keepAliveTimeout, 5s in Node", help: 'In a drain: how long an idle keep-alive connection lives on. Clients are told the keepAliveTimeout of the server, so less than that may reset them.' },
  native_threads: threadPoolOptions.native_threads,
  max_concurrent: { type: 'integer', default: 1_024, min: 1, help: "Tasks that run at once in a worker's own pool, context.pool, which its requests may be put through: what is over waits." },
  loop_delay_warning: { type: 'duration', defaultMs: 500, minMs: 0, help: 'A worker whose event loop was busy for so long says so, with the timers and tasks that ran meanwhile; 0: never.' },
  restart_type: { type: 'string', choices: ['permanent', 'transient', 'temporary'], default: 'permanent', help: 'Which workers are restarted: permanent, always; transient, unless they exit with 0; temporary, never.' },
  restart_intensity: { type: 'integer', min: 1, sampleDefault: '10 × workers', help: 'More deaths of workers than this within restart_period, and the launcher gives up with exit code 5.' },
  restart_period: { type: 'duration', defaultMs: 60_000, minMs: 1, help: 'See restart_intensity.' },
  restart_delay_max: { type: 'duration', defaultMs: 30_000, minMs: 0, help: 'The longest back-off of a slot. It begins with 100 ms and doubles with each death; the first death after a healthy period (min_healthy) is not delayed.' },
} as const satisfies OptionGroup

/** Options of a section `[service:NAME]`; what is not given there is taken from `[DEFAULT]`. */
export const serviceOptions = {
  module: { type: 'string', help: 'Path of the service module, from the folder in which the launcher was started.' },
  args: { type: 'list', help: "The service's own arguments." },
  workers: { type: 'string', pattern: launcherOptions.workers.pattern, expected: launcherOptions.workers.expected, help: launcherOptions.workers.help, sampleDefault: 'that of [DEFAULT]' },
  listen: { type: 'list', help: 'Sockets of this service alone; see [DEFAULT].' },
  restart_type: { type: 'string', choices: launcherOptions.restart_type.choices, help: launcherOptions.restart_type.help, sampleDefault: 'that of [DEFAULT]' },
  critical: { type: 'boolean', default: true, help: 'When this service ends or gives up, the launcher stops.' },
  env: { type: 'list', help: 'Environment of its workers: KEY=VALUE.' },
  cwd: { type: 'string', help: 'Working directory of its workers.', sampleDefault: "the launcher's" },
} as const satisfies OptionGroup

export const SERVICE_PREFIX = 'service:'

/** All groups that the launcher knows, given the names of the groups that the configuration has. */
export function optionGroups(groupNames: Iterable<string> = []): OptionGroups {
  const services = [...groupNames].filter((name) => name.startsWith(SERVICE_PREFIX))
  return {
    DEFAULT: launcherOptions,
    ...logOptions,
    ...Object.fromEntries(services.map((name) => [name, serviceOptions])),
  }
}
