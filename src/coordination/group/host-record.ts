import { messageOf } from '../../base/errors.js'
import type { Capabilities, GroupMember } from '../contract.js'
import type { StoredMember } from '../store.js'

/**
 * What a host's one member of a group tells: who its local members are.
 * As text: `{"host":"h1","pid":4242,"members":{"h1/volume/0":{"weight":2}}}`.
 */
export interface HostRecord {
  readonly host: string
  readonly pid: number
  /** The JSON text of each local member's capabilities. */
  readonly members: ReadonlyMap<string, string>
}

/** The same text for the same record, in whatever order its members came. */
export function encodeHostRecord({ host, pid, members }: HostRecord): string {
  const sorted = [...members].sort(([a], [b]) => compareText(a, b))
  const entries = sorted.map(([id, capabilities]) => `${JSON.stringify(id)}:${capabilities}`)
  return `{"host":${JSON.stringify(host)},"pid":${pid},"members":{${entries.join(',')}}}`
}

/** The JSON text of what a member tells of itself. @throws TypeError for what is no object, or has no JSON. */
export function encodeCapabilities(member: string, capabilities: Capabilities): string {
  const text = jsonOf(member, capabilities)
  if (!text?.startsWith('{')) throw new TypeError(`Cannot take the capabilities of "${member}" as they are an object of JSON: ${text ?? typeof capabilities}`)
  return text
}

function jsonOf(member: string, capabilities: Capabilities): string | undefined {
  try {
    return JSON.stringify(capabilities)
  } catch (cause) {
    throw new TypeError(`Cannot take the capabilities of "${member}" as they are an object of JSON: ${messageOf(cause)}`, { cause })
  }
}

/**
 * The members of all hosts in one list, sorted by id.
 *
 * An id in the records of two hosts is a worker that moved, or whose process was
 * replaced before its old record had run out. The record that was refreshed last
 * wins: the old one is refreshed no more. Two that live under one id are a mistake
 * of their operator; which of them is shown may change from reading to reading.
 */
export function flattenMembers(hosts: readonly StoredMember[]): readonly GroupMember[] {
  const members = new Map<string, GroupMember>()
  for (const { record } of [...hosts].sort((a, b) => a.leftMs - b.leftMs || compareText(a.id, b.id))) {
    const host = typeof record.host === 'string' ? record.host : undefined
    for (const [id, capabilities] of Object.entries(asObject(record.members))) members.set(id, { id, host, capabilities: asObject(capabilities) })
  }
  return sortById([...members.values()])
}

export function sortById(members: readonly GroupMember[]): readonly GroupMember[] {
  return [...members].sort((a, b) => compareText(a.id, b.id))
}

/** By UTF-16 code units: the same order in every locale. */
function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** What another version of this program, or a stranger, has written is taken as empty. */
function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Readonly<Record<string, unknown>> : {}
}
