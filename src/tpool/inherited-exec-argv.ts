/** Options that say what the process itself runs; those with a value of their own to follow them. */
const OF_PROGRAM = /^--input-type(=|$)|^(-e|-p|-pe|--eval|--print)$/
const WITH_VALUE = /^(--input-type|-e|-p|-pe|--eval|--print)$/

/**
 * The options of Node for a thread: undefined, for all those of the process
 * (`--import` with its loaders), unless the program came by `--eval` or on stdin:
 * a thread's is a file, and Node refuses `--input-type` with one.
 */
export function inheritedExecArgv(execArgv: readonly string[]): string[] | undefined {
  if (!execArgv.some((option) => OF_PROGRAM.test(option))) return undefined
  return execArgv.filter((option, index) => !OF_PROGRAM.test(option) && !WITH_VALUE.test(execArgv[index - 1] ?? ''))
}
