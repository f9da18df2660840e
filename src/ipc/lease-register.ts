import { constants, closeSync, fstatSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadNative } from '../base/native.js'

/**
 * Which leases a worker may hold, in a file that outlives it.
 *
 * The launcher makes the file, takes its name away and lets the worker inherit it.
 * A worker notes each request before it is sent, so that after a kill -9, at
 * whatever moment, the launcher reads there all that the worker may have got, and
 * gives it back. The worker maps the file: a note is a write to memory, 0.2 µs, and
 * where that cannot be (no koffi), or for a great many leases, one write(2), ten
 * times that. A message to the launcher would cost fifty times that, and wake it.
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
/** So many slots are there from the beginning, in memory that is really there: a page that could not be had would kill who touches it. */
const MAPPED_BYTES = 64 * SLOT_BYTES

/** Makes the file, in memory where the system has a folder for that, and gives its descriptor. Close it. */
export function openLeaseRegister(folders: readonly string[] = ['/dev/shm', tmpdir()]): number {
  const [folder = '.', ...others] = folders
  const path = join(folder, `.reeve-leases-${process.pid}-${process.hrtime.bigint()}`)
  try {
    const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)
    rmSync(path, { force: true })
    writeSync(fd, Buffer.alloc(MAPPED_BYTES))
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
  readonly #memory: Buffer
  readonly #buffer = Buffer.allocUnsafe(SLOT_BYTES)
  readonly #free: number[] = []
  #slots = 0

  constructor(fd: number) {
    this.#fd = fd
    this.#memory = mapped(fd)
  }

  /** Notes a request that is about to be sent, and gives its slot. */
  note(name: string, id: string): number {
    const slot = this.#free.pop() ?? this.#slots++
    const start = slot * SLOT_BYTES
    if (start < this.#memory.length) this.#memory.write(`${id}\n${name}\n`, start)
    else writeSync(this.#fd, this.#buffer, 0, this.#buffer.write(`${id}\n${name}\n`), start)
    return slot
  }

  /** The slot may be used again: its lease was given back, or never was. */
  clear(slot: number): void {
    this.#free.push(slot)
  }
}

/** Empty where the file cannot be mapped. */
function mapped(fd: number): Buffer {
  try {
    return loadNative()?.mapShared(fd, MAPPED_BYTES) ?? Buffer.alloc(0)
  } catch {
    return Buffer.alloc(0)
  }
}
