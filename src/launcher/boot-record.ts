import { EXIT, type ExitCode } from '../base/exit-code.js'

/** Failed boots over the whole fleet, with none ever ready, after which it is given up. */
const ATTEMPTS = 3

/**
 * Whether anything ever became ready, and how many boots failed before that. A
 * service that cannot start at all is told so after a few attempts, with its own
 * error; once one worker has been ready, a failed boot is a death like others.
 */
export class BootRecord {
  everReady = false
  /** What the last worker that could not boot said of it; empty when it said nothing. */
  lastFailure = ''
  #failed = 0

  /** A worker ended before it was ready. Gives the verdict, when there is one. */
  addFailure(code: number | null): { readonly exitCode: ExitCode; readonly reason: string } | undefined {
    this.#failed++
    if (this.everReady) return undefined
    const why = this.lastFailure === '' ? '' : `: ${this.lastFailure}`
    if (code === EXIT.configuration) return { exitCode: EXIT.configuration, reason: `the configuration is not valid${why}` }
    if (this.#failed < ATTEMPTS) return undefined
    return { exitCode: EXIT.bootFailure, reason: `no worker became ready in ${ATTEMPTS} attempts${why}` }
  }
}
