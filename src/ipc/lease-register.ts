import { constants, closeSync, fstatSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Which leases a worker may hold, in a file that outlives it.
 *
 * The launcher makes the file, takes its name away and lets the worker inherit it.
 * A worker notes each request before it is sent, so that after a kill -9, at
 * whatever moment, the launcher reads there all that the worker may have got, and
 * gives it back. A note is one write(2) into the page cache, about 2 µs; a message
 * to the launcher would cost ten times that, and wake it.
 *
 * A slot holds `ID\nNAME\n`, or nothing. A note is not wiped out when the lease
 * ends, but written over by the next one: an id is used once, and to release it
 * again is to do nothing.
 */
export interface LeaseNote {
  readonly name: string
  readonly id: string
}

/** Room for two names of 512 bytes, and what is put before and behind them. A slot lies within one page. */
const SLOT_BYTES = 2_048

/** Makes the file, in memory where the system has a folder for that, and gives its descriptor. Close it. */
export function openLeaseRegister(folders: readonly string[] = ['/dev/shm', tmpdir()]): number {
  const [folder = '.', ...others] = folders
  const path = join(folder, `.reeve-leases-${process.pid}-${process.hrtime.bigint()}`)
  try {
    const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)
    rmSync(path, { force: true })
    return fd
  } catch (error) {
    if (others.length > 0) return openLeaseRegister(others)
    throw error
  }
}

/** What the launcher finds when the worker has ended. Closes the file. */
export function readLeaseRegister(fd: number): readonly LeaseNote[] {
  try {
    const text = Buffer.alloc(fstatSync(fd).size)
    const size = readSync(fd, text, 0, text.length, 0)
    return Array.from({ length: Math.ceil(size / SLOT_BYTES) }, (_, slot) => parseSlot(text, slot * SLOT_BYTES)).filter((note) => note !== undefined)
  } finally {
    closeSync(fd)
  }
}

function parseSlot(text: Buffer, start: number): LeaseNote | undefined {
  const [id, name, rest] = text.toString('utf8', start, start + SLOT_BYTES).split('\n', 3)
  return id !== undefined && id !== '' && name !== undefined && rest !== undefined ? { name, id } : undefined
}

/** The worker's side. */
export class LeaseRegister {
  readonly #fd: number
  readonly #buffer = Buffer.allocUnsafe(SLOT_BYTES)
  readonly #free: number[] = []
  #slots = 0

  constructor(fd: number) {
    this.#fd = fd
  }

  /** Notes a request that is about to be sent, and gives its slot. */
  note(name: string, id: string): number {
    const slot = this.#free.pop() ?? this.#slots++
    const size = this.#buffer.write(`${id}\n${name}\n`)
    writeSync(this.#fd, this.#buffer, 0, size, slot * SLOT_BYTES)
    return slot
  }

  /** The slot may be used again: its lease was given back, or never was. */
  clear(slot: number): void {
    this.#free.push(slot)
  }
}
