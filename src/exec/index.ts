/** `reeve/exec`: commands of the system, run without blocking and at the speed of their pipes. */
export type { ResourceLimits } from './command-line.js'
export { ExecError, type ExecErrorCode, type ExecErrorOptions } from './errors.js'
export { execute } from './execute.js'
export type { ProcessInput } from './input.js'
export type { CommandRunOptions, ExecuteOptions, OutputMode } from './options.js'
export type { ExecExit, ExecResult } from './result.js'
export { running, type RunningCommand } from './running.js'
export { stream, type CommandStream, type StreamOptions, type StreamResult } from './stream.js'
