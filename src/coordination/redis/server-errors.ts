import { CodedError, codeOf } from '../../base/errors.js'
import type { CoordinationErrorCode } from '../errors.js'

export interface FailedCommand {
  /** `acquire`, a script, or `PING`, a command. */
  readonly command: string
  /** Without a password. */
  readonly url: string
  readonly prefix: string
}

/**
 * What ioredis or Redis said, as one of our codes: COORDINATION_UNAVAILABLE where
 * asking again may help, COORDINATION_REFUSED where somebody must do something first.
 * The error itself is not kept as the cause: it carries the command's arguments,
 * those of AUTH included.
 */
export function toCodedError(error: unknown, failed: FailedCommand): CodedError<CoordinationErrorCode> {
  if (error instanceof CodedError) return error as CodedError<CoordinationErrorCode>
  const reason = reasonOf(error)
  const details = { command: failed.command, url: failed.url, reason }
  const rule = isReply(error, reason) ? refusalOf(reason, failed) : undefined
  return rule === undefined
    ? new CodedError('COORDINATION_UNAVAILABLE', `Cannot run "${failed.command}" as ${failed.url} is not available: ${reason}`, { details })
    : new CodedError('COORDINATION_REFUSED', `Cannot run "${failed.command}" as ${rule}: ${reason}`, { details })
}

/** True for what no later attempt mends: a wrong password, missing rights, a certificate that is not trusted. */
export function isFatal(error: unknown): boolean {
  if (/WRONGPASS|NOAUTH|NOPERM|invalid (?:username-password|password)|DB index is out of range|SELECT is not allowed/.test(reasonOf(error))) return true
  return /CERT|^ERR_TLS|^ERR_SSL|^ERR_OSSL/.test(codeOf(error) ?? '')
}

/** The message, also of errors that only have a code or consist of others. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ')
  if (!(error instanceof Error)) return String(error)
  return error.message === '' ? codeOf(error) ?? error.name : error.message
}

/** Whether the server said it, directly or, during the handshake, through ioredis. */
function isReply(error: unknown, reason: string): boolean {
  return (error instanceof Error && error.name === 'ReplyError') || reason.startsWith('Ready check failed: ')
}

/** These pass: the server loads its data, is a replica at the moment, has lost its Cluster, or runs a long script. */
const PASSING = /^(?:Ready check failed: )?(?:LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|MOVED|ASK|TRYAGAIN|CROSSSLOT$|BUSY|UNBLOCKED|UNKILLABLE)/

function refusalOf(reason: string, failed: FailedCommand): string | undefined {
  if (PASSING.test(reason)) return undefined
  const found = REFUSALS.find(([pattern]) => pattern.test(reason))
  return found === undefined ? `${failed.url} refused it` : found[1](failed)
}

const REFUSALS: readonly (readonly [pattern: RegExp, rule: (failed: FailedCommand) => string])[] = [
  [/NOPERM|ACL failure|can't run this command|can't access/i, ({ url, prefix }) => `the user at ${url} needs the rights ${neededRights(prefix)}`],
  [/WRONGPASS|invalid (?:username-password|password)/, ({ url }) => `${url} takes another user or password`],
  [/NOAUTH/, ({ url }) => `${url} asks for a password (redis://USER:PASSWORD@HOST)`],
  [/\bOOM\b/, ({ url }) => `${url} has used up its maxmemory (raise it, or move other data away)`],
  [/MISCONF/, ({ url }) => `${url} cannot write its snapshots to disk and takes no writes until it can`],
  [/NOREPLICAS/, ({ url }) => `${url} has fewer good replicas than min-replicas-to-write`],
  [/unknown command|Unknown Redis command|unknown subcommand/i, ({ url }) => `${url} does not have a command (Redis 6.2 or later, no renamed commands)`],
  [/DB index is out of range|SELECT is not allowed/, ({ url }) => `${url} does not have that database`],
]

/** The least that a user of an ACL must be allowed, in the words of ACL SETUSER. */
export function neededRights(prefix: string): string {
  return `~${prefix}:* &${prefix}:* +@read +@write +@scripting +@pubsub -@dangerous +info +time +wait +ping +select +client|setname +cluster|slots +cluster|info`
}
