import { createHash, randomUUID } from 'node:crypto'
import { access, constants, link, mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { volumeError, volumeRotten } from './errors.js'
import { OpenVolume } from './open-volume.js'
import type { VolumeEntry } from './open-volume.js'
import { encodeFooter } from './volume-file.js'
import type { Summary } from './volume-file.js'
import { isVolumeName } from './volume-name.js'
import { VolumeTurns } from './volume-turns.js'

/**
 * Volumes in a directory that many processes share and in which any of them may
 * be killed at any moment. There are no locks: whatever is published was written
 * whole, and is replaced or removed by one system call.
 *
 * A body goes into a draft, `.draft-UUID` beside the volumes: write, fsync, rename
 * onto the name, fsync of the directory. Only then is it stored. Of several
 * writers of one name the last rename wins, whole. Who has opened a volume keeps
 * reading the file that he opened, whatever becomes of its name.
 *
 * A killed worker leaves its draft. Any worker may sweep a draft untouched for
 * longer than a live upload can be, for an upload that moves nothing is given up
 * long before. Not by the writer's pid: pids are used again, and differ between
 * containers that share the directory. Should a draft be swept under a living
 * writer after all (a process stopped for minutes, a jump of the clock), its
 * rename fails and its client is told; nothing half is ever published.
 */
export class VolumeStore {
  readonly directory: string
  /** Changes of one volume by this process take place in their order; `put` and `delete` see to it themselves. */
  readonly turns = new VolumeTurns()

  private constructor(directory: string) {
    this.directory = directory
  }

  /**
   * Makes the directory where it is missing.
   * @throws CodedError VOLUME_DIRECTORY_UNUSABLE
   */
  static async open(directory: string): Promise<VolumeStore> {
    const path = resolve(directory)
    try {
      const firstMade = await mkdir(path, { recursive: true, mode: 0o750 })
      if (firstMade !== undefined) await syncPath(dirname(path), dirname(firstMade))
      await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error)
      throw volumeError('VOLUME_DIRECTORY_UNUSABLE', `Cannot keep volumes in "${path}" as it must be a directory to read and write: ${reason}`, error)
    }
    return new VolumeStore(path)
  }

  /**
   * Stores `body` under `name`: when this resolves, volume, size and digest survive a power cut.
   * When it rejects, what had that name before still has it; only if the last fsync of
   * the directory fails may the new volume be there, not yet safe from a power cut.
   * `created` is false when the name was taken just before.
   *
   * @throws CodedError VOLUME_TOO_LARGE, VOLUME_DIGEST_MISMATCH, VOLUME_PRECONDITION_FAILED, VOLUME_BUSY; what `body` throws; system errors
   */
  async put(name: string, body: AsyncIterable<Uint8Array>, options: PutOptions = {}): Promise<StoredVolume> {
    const draft = this.#newDraft()
    const path = this.pathOf(name)
    try {
      const summary = await writeDraft(draft, name, body, options)
      return await this.turns.take(name, async () => {
        const created = !(await exists(path))
        await (options.onlyIfAbsent ? publishAbsent(draft, path, name) : rename(draft, path))
        await syncDirectory(this.directory)
        return { name, created, ...summary }
      }, options.maxWaitMs)
    } finally {
      await discard(draft)
    }
  }

  /**
   * Stores under the free `name` the file that `fill` makes at the path it gets, and has brought to the disk.
   *
   * @throws CodedError VOLUME_ROTTEN when it is no volume or marked; VOLUME_EXISTS; what `fill` throws; system errors
   */
  async create(name: string, fill: (draft: string) => Promise<void>): Promise<StoredVolume> {
    const draft = this.#newDraft()
    try {
      await fill(draft)
      const volume = await OpenVolume.open(name, draft)
      await volume?.close()
      if (volume?.summary === undefined || volume.entry.rotten) throw volumeRotten(name, 'create')
      if (!(await publishNew(draft, this.pathOf(name)))) throw volumeError('VOLUME_EXISTS', `Cannot create "${name}" as there must be no volume of that name: there is one`)
      await syncDirectory(this.directory)
      return { name, created: true, ...volume.summary }
    } finally {
      await discard(draft)
    }
  }

  /** The volume for reading, undefined when there is none. The caller closes it. */
  async open(name: string): Promise<OpenVolume | undefined> {
    return await OpenVolume.open(name, this.pathOf(name))
  }

  /**
   * Removes a volume, for good when this resolves. Says exactly what was removed, undefined when
   * there was nothing: the file is first renamed, so that no writer can replace it between look and blow.
   */
  async delete(name: string): Promise<VolumeEntry | undefined> {
    return await this.turns.take(name, () => this.#delete(name))
  }

  async #delete(name: string): Promise<VolumeEntry | undefined> {
    const doomed = join(this.directory, `${DOOMED_PREFIX}${randomUUID()}`)
    try {
      await rename(this.pathOf(name), doomed)
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
    try {
      const volume = await OpenVolume.open(name, doomed)
      await volume?.close()
      return volume?.entry
    } finally {
      await unlink(doomed)
      await syncDirectory(this.directory)
    }
  }

  /** All names, sorted by code unit. */
  async names(): Promise<string[]> {
    const entries = await readdir(this.directory, { withFileTypes: true })
    return entries.filter((entry) => entry.isFile() && isVolumeName(entry.name)).map((entry) => entry.name).sort()
  }

  /** What lies under `names` now; those that have gone since are left out. */
  async entries(names: readonly string[]): Promise<VolumeEntry[]> {
    const entries: VolumeEntry[] = []
    for (const name of names) {
      const volume = await this.open(name)
      await volume?.close()
      if (volume) entries.push(volume.entry)
    }
    return entries
  }

  /**
   * Removes what killed workers left: drafts and half-done removals untouched for `untouchedMs`.
   * Judged by ctime, which writing and renaming set and nobody can set back. Gives how many went.
   */
  async sweep(untouchedMs: number): Promise<number> {
    let swept = 0
    for (const name of await readdir(this.directory)) {
      if (!name.startsWith(DRAFT_PREFIX) && !name.startsWith(DOOMED_PREFIX)) continue
      const path = join(this.directory, name)
      const stats = await stat(path).catch(ignoreMissing)
      if (stats === undefined || Date.now() - stats.ctimeMs < untouchedMs) continue
      await rm(path, { force: true })
      swept++
    }
    return swept
  }

  /** Where a volume of that name lies, or would. */
  pathOf(name: string): string {
    return join(this.directory, name)
  }

  #newDraft(): string {
    return join(this.directory, `${DRAFT_PREFIX}${randomUUID()}`)
  }
}

export interface PutOptions {
  /** A body of more bytes is refused. Default: no limit. */
  readonly maxBytes?: number
  /** The digest that the body must have, 64 hexadecimal digits. Default: any. */
  readonly sha256?: string | undefined
  /** Refuses when the name is taken at the moment of publishing; exact between processes. */
  readonly onlyIfAbsent?: boolean
  /** How long it may wait to be published, behind other changes of that volume; then VOLUME_BUSY. In ms. Default: no limit. */
  readonly maxWaitMs?: number
}

export interface StoredVolume extends Summary {
  readonly name: string
  readonly created: boolean
}

const DRAFT_PREFIX = '.draft-'
const DOOMED_PREFIX = '.doomed-'

/** Body and footer into a new file, safe on the disk but under no name yet. */
async function writeDraft(draft: string, name: string, body: AsyncIterable<Uint8Array>, options: PutOptions): Promise<Summary> {
  const file = await open(draft, 'wx', 0o640)
  try {
    const summary = await writeBody(file, name, body, options.maxBytes ?? Number.POSITIVE_INFINITY)
    if (options.sha256 !== undefined && options.sha256 !== summary.sha256) {
      throw volumeError('VOLUME_DIGEST_MISMATCH', `Cannot store "${name}" as its sha256 must be ${options.sha256}: ${summary.sha256}`)
    }
    await file.writeFile(encodeFooter(summary))
    await file.sync()
    return summary
  } finally {
    await file.close()
  }
}

async function writeBody(file: FileHandle, name: string, body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Summary> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  for await (const chunk of body) {
    sizeBytes += chunk.length
    if (sizeBytes > maxBytes) {
      throw volumeError('VOLUME_TOO_LARGE', `Cannot store "${name}" as a volume must have at most ${maxBytes} bytes: at least ${sizeBytes} bytes`)
    }
    hash.update(chunk)
    await file.writeFile(chunk) // goes on from the current position, and writes all of it, which write() may not
  }
  return { sizeBytes, sha256: hash.digest('hex') }
}

async function publishAbsent(draft: string, path: string, name: string): Promise<void> {
  if (await publishNew(draft, path)) return
  throw volumeError('VOLUME_PRECONDITION_FAILED', `Cannot create "${name}" as there must be no volume of that name: there is one`)
}

/** link(2), unlike rename(2), refuses a name that is taken: then false. */
async function publishNew(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

/** After a publishing there is nothing left under the draft's name. A failure here must not hide why the upload failed: the sweep gets what stays. */
async function discard(draft: string): Promise<void> {
  await rm(draft, { force: true }).catch(() => undefined)
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(ignoreMissing)) !== undefined
}

/** fsync of every directory from `directory` up to `top`: makes the entries of new directories durable. */
async function syncPath(directory: string, top: string): Promise<void> {
  for (let path = directory; ; path = dirname(path)) {
    await syncDirectory(path)
    if (path === top || path === dirname(path)) return
  }
}

/** A rename is durable only when the directory that holds the name is: fsync(2), NOTES. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function ignoreMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error
}
