import { createRequire } from 'node:module'
import type { LibraryHandle } from 'koffi'

/**
 * The few calls of libc that Node does not offer, by koffi (prebuilt in its
 * package, nothing is downloaded). Loaded at first use: 6 ms and 3 MB.
 * Undefined where koffi cannot be loaded; each caller has another way then.
 */
export interface Native {
  /** listen(2). Throws an error with its `code` when the kernel refuses. */
  listen(fd: number, backlog: number): void
  /** Sends one datagram to an AF_UNIX socket; an abstract name begins with `@`. */
  sendDatagram(path: string, data: string): void
  /** Asks the kernel to SIGKILL this process when its parent dies: prctl(PR_SET_PDEATHSIG), Linux only. */
  dieWithParent(): void
  /**
   * A pipe whose ends no child inherits unless they are given to it. Its size is
   * what the system grants, up to `sizeBytes`. Linux only; throws an error with its
   * `code` when there are too many descriptors.
   */
  openPipe(sizeBytes: number): { readonly readFd: number; readonly writeFd: number }
  /** Asks for huge pages where this memory has not been touched yet. A hint: nothing is said when it is not taken. Linux only. */
  adviseHugePages(memory: Uint8Array): void
  /** The first `sizeBytes` of an open file as memory that is shared with every process that maps it: mmap(2). The file must be as long. */
  mapShared(fd: number, sizeBytes: number): Buffer
}

let loaded: Native | undefined | null = null

export function loadNative(): Native | undefined {
  if (loaded === null) loaded = tryLoad()
  return loaded
}

type Koffi = typeof import('koffi')

function tryLoad(): Native | undefined {
  if (process.env['REEVE_NO_NATIVE'] === '1') return undefined
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi
    return bind(koffi, koffi.load(null))
  } catch {
    return undefined
  }
}

const PR_SET_PDEATHSIG = 1
const SIGKILL = 9
const AF_UNIX = 1
const SOCK_DGRAM = 2
const SOCK_CLOEXEC = 0o2000000
/** A systemd that stalls must not stall the caller. */
const MSG_DONTWAIT = 0x40
const FAMILY_BYTES = 2
const O_CLOEXEC = 0o2000000
const F_SETPIPE_SZ = 1031
const MADV_HUGEPAGE = 14
/** madvise(2) takes whole pages; this is the largest page that Linux has on the machines that Node runs on. */
const PAGE_BYTES = 2n ** 16n
const PROT_READ_WRITE = 3
const MAP_SHARED = 1
const MAP_FAILED = 2n ** 64n - 1n

function bind(koffi: Koffi, libc: LibraryHandle): Native {
  const call = (name: string, signature: string): ((...args: unknown[]) => number) => {
    const run = libc.func(signature) as (...args: unknown[]) => number
    return (...args) => {
      const result = run(...args)
      if (result < 0) throw systemError(koffi, name)
      return result
    }
  }
  const listen = call('listen', 'int listen(int fd, int backlog)')
  const pipe = lazy(() => ({
    open: call('pipe2', 'int pipe2(_Out_ int *ends, int flags)'),
    control: libc.func('int fcntl(int fd, int command, ...)') as (...args: unknown[]) => number,
  }))
  const madvise = lazy(() => libc.func('int madvise(uintptr_t address, size_t length, int advice)') as (...args: unknown[]) => number)
  return {
    listen: (fd, backlog) => void listen(fd, backlog),
    sendDatagram: (path, data) => {
      const socket = call('socket', 'int socket(int domain, int type, int protocol)')
      const sendto = call('sendto', 'long sendto(int fd, const void *data, size_t length, int flags, const void *to, uint32_t toLength)')
      const close = call('close', 'int close(int fd)')
      const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
      try {
        const [bytes, address] = [Buffer.from(data), unixAddress(path)]
        sendto(fd, bytes, bytes.length, MSG_DONTWAIT, address, address.length)
      } finally {
        close(fd)
      }
    },
    dieWithParent: () => {
      if (process.platform !== 'linux') return
      const prctl = call('prctl', 'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)')
      prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    },
    openPipe: (sizeBytes) => {
      const ends = [-1, -1]
      pipe().open(ends, O_CLOEXEC)
      const [readFd = -1, writeFd = -1] = ends
      // Refused when the user's share of pipe memory is spent: the pipe is a smaller one, then.
      pipe().control(writeFd, F_SETPIPE_SZ, 'int', sizeBytes)
      return { readFd, writeFd }
    },
    adviseHugePages: (memory) => {
      if (process.platform !== 'linux') return
      const address = koffi.address(memory)
      const first = (address + PAGE_BYTES - 1n) / PAGE_BYTES * PAGE_BYTES
      const length = (address + BigInt(memory.byteLength) - first) / PAGE_BYTES * PAGE_BYTES
      if (length > 0n) madvise()(first, length, MADV_HUGEPAGE)
    },
    mapShared: (fd, sizeBytes) => {
      const mmap = libc.func('void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)') as (...args: unknown[]) => unknown
      const address = mmap(null, sizeBytes, PROT_READ_WRITE, MAP_SHARED, fd, 0)
      if (koffi.address(address) === MAP_FAILED) throw systemError(koffi, 'mmap')
      return Buffer.from(koffi.view(address, sizeBytes))
    },
  }
}

/** Declared when first used: most processes need few of these calls. */
function lazy<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined
  return () => (made ??= { value: make() }).value
}

/** struct sockaddr_un of Linux: family, then the path; an abstract name begins with NUL and has no end mark. */
function unixAddress(path: string): Buffer {
  const abstract = path.startsWith('@')
  const name = Buffer.from(abstract ? `\0${path.slice(1)}` : `${path}\0`)
  const address = Buffer.alloc(FAMILY_BYTES + name.length)
  address.writeUInt16LE(AF_UNIX, 0)
  name.copy(address, FAMILY_BYTES)
  return address
}

function systemError(koffi: Koffi, call: string): Error {
  const errno = koffi.errno()
  const code = Object.entries(koffi.os.errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`
  return Object.assign(new Error(`${call}: ${code}`), { code, syscall: call, errno: -errno })
}
