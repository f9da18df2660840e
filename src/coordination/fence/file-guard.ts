/**
 * Fenced writes to a file. Plain readers read `path`; the fences are the names of
 * entries of the folder `path.fence`:
 *
 *   1763709265000000           a mark: a holder with this fence has begun to write
 *   1763709265000000.UNIQUE    a stage: what one write is about to put in place
 *
 * rename(2) replaces a file whatever is there, so "look, then rename" would let an
 * old holder through that stood still in between. Here the newer one takes the
 * older one's source away:
 *
 *   1. stage the data, synced      3. list the folder     5. rename the stage to `path`
 *   2. mark the fence, synced      4. a newer mark? give up. Unlink older stages
 *                                                         6. unlink older marks
 *
 * Whoever staged before the newer one listed loses its stage, and its rename fails;
 * whoever staged later finds the newer mark. Marks go last, when every older stage
 * that could have missed the newer mark in its own listing is gone. There is no
 * lock, so nothing is left locked: a process killed at any point leaves at most a
 * mark and a stage, which the next newer holder clears away.
 *
 * Rejected: a lock file, which a killed holder leaves behind and nobody can break
 * without the same race; flock(2), which Node does not have.
 *
 * Guaranteed on a local file system, for any number of processes: `path` is always
 * one whole write; no fence's data replaces a newer fence's; after a power cut, too
 * (as far as fsync is obeyed). Writes under one fence are not ordered: await them
 * one by one. Over NFS: the same among the processes of one host. Between hosts
 * only where listings are not cached (`noac`), and a lost answer may show a rename
 * that was done as failed (the error is then the file system's own).
 */
import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hasCode } from '../../base/errors.js'
import { fenceText, parseFence, staleFence } from './fence.js'

export interface GuardedWriteOptions {
  /** Of the new file, less the umask. Default 0o666. */
  readonly mode?: number
}

/**
 * Replaces the file `path` by `data` unless a newer fence has written it, or begun
 * to. Resolves when it would survive a power cut. `path.fence` must be on the same
 * file system; a symbolic link at `path` is itself replaced.
 *
 * @throws CodedError FENCE_STALE; what the file system throws, and then `path` is as it was or, after a failed last sync, written
 */
export async function guardedWriteFile(path: string, data: string | Uint8Array, fence: bigint, { mode = 0o666 }: GuardedWriteOptions = {}): Promise<void> {
  const folder = `${path}.fence`
  const mark = join(folder, fenceText(fence))
  const stage = `${mark}.${randomUUID()}`
  await ensureFolder(folder)
  try {
    await writeSynced(stage, data, mode)
    await writeSynced(mark, '', mode)
    await syncFolder(folder)
    const older = await olderEntries(path, fence)
    await unlinkAll(older.stages)
    await putInPlace(stage, path, fence)
    await syncFolder(dirname(path))
    await unlinkAll(older.marks)
  } finally {
    await rm(stage, { force: true })
  }
}

/** The newest fence under which `path` was written, or begun to be; 0: none. */
export async function newestFence(path: string): Promise<bigint> {
  const entries = await readdir(`${path}.fence`).catch(whenMissing<string[]>([]))
  return entries.map(parseFence).reduce<bigint>((newest, fence) => fence !== undefined && fence > newest ? fence : newest, 0n)
}

async function olderEntries(path: string, fence: bigint): Promise<{ readonly stages: readonly string[]; readonly marks: readonly string[] }> {
  const folder = `${path}.fence`
  const stages: string[] = []
  const marks: string[] = []
  for (const name of await readdir(folder)) {
    const [digits = '', unique] = name.split('.', 2)
    const other = parseFence(digits)
    if (other === undefined || other === fence) continue
    if (other < fence) (unique === undefined ? marks : stages).push(join(folder, name))
    else if (unique === undefined) throw staleFence(path, fence, other)
  }
  return { stages, marks }
}

/** A stage that is gone was taken away by a newer holder. */
async function putInPlace(stage: string, path: string, fence: bigint): Promise<void> {
  try {
    await rename(stage, path)
  } catch (error) {
    const newest = await newestFence(path)
    throw newest > fence ? staleFence(path, fence, newest) : error
  }
}

/** The folder is never taken away again: an old holder could be about to mark its fence in it. */
async function ensureFolder(folder: string): Promise<void> {
  const made = await mkdir(folder).then(() => true, (error: unknown) => {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  })
  if (made) await syncFolder(dirname(folder))
}

async function writeSynced(path: string, data: string | Uint8Array, mode: number): Promise<void> {
  const file = await open(path, 'w', mode)
  try {
    await file.writeFile(data)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function unlinkAll(paths: readonly string[]): Promise<void> {
  for (const path of paths) await rm(path, { force: true })
}

function whenMissing<T>(otherwise: T): (error: unknown) => T {
  return (error) => {
    if (hasCode(error, 'ENOENT')) return otherwise
    throw error
  }
}
