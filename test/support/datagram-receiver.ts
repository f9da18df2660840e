/**
 * Receives AF_UNIX datagrams, which Node cannot: as systemd does at NOTIFY_SOCKET.
 * A child in perl (essential on Debian) prints each one as a line of hex.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface DatagramReceiver extends AsyncDisposable {
  /** The next datagram. Rejects when the receiver has ended. */
  next(): Promise<string>
}

const PROGRAM = `
use Socket;
my $name = shift;
$name =~ s/^@/\\0/;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
bind($socket, pack('S a*', AF_UNIX, $name)) or die "bind: $!";
$| = 1;
print "bound\\n";
while (defined recv($socket, my $data, 65536, 0)) { print unpack('H*', $data), "\\n" }
`

/** Binds `name`, a path or an abstract name that begins with `@`. */
export async function receiveDatagrams(name: string): Promise<DatagramReceiver> {
  const child = spawn('perl', ['-e', PROGRAM, name], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const nextLine = async (): Promise<string> => {
    const line = await lines.next()
    if (line.done) throw new Error(`The receiver at "${name}" has ended`)
    return line.value
  }
  await nextLine()
  return {
    next: async () => Buffer.from(await nextLine(), 'hex').toString(),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}
