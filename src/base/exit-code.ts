/** How the launcher ends. systemd's `RestartPreventExitStatus=2 3` reads these. */
export const EXIT = {
  /** Stopped cleanly, as asked. */
  clean: 0,
  /** Failed at run time; the reason is in the last line. */
  failure: 1,
  /** The command line is wrong. */
  usage: 2,
  /** The configuration is wrong. */
  configuration: 3,
  /** No worker ever became ready. */
  bootFailure: 4,
  /** Workers died faster than the restart limit allows. */
  gaveUp: 5,
  /** The deadline passed, or a second INT or a QUIT came, and something had to be killed. */
  forced: 6,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]
