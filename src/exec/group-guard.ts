import { spawn, type ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'

/**
 * Reads `+ GROUP` and `- GROUP`, and kills what is left when the pipe closes: that
 * is when the process at its other end has died, of whatever. POSIX sh.
 */
const SCRIPT = `
trap '' HUP INT QUIT TERM
groups=' '
while read -r change group; do
  case $change in
    +) groups="$groups$group " ;;
    -) groups="\${groups%% "$group" *} \${groups#* "$group" }" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group"; done
`

/**
 * Has process groups killed when this process dies, be it by SIGKILL.
 *
 * One small shell for the whole process, started with the first group (1 ms, once),
 * holds the reading end of a pipe and the list of groups; a group costs two lines
 * through the pipe. It reaches grandchildren, set-user-ID programs that root's
 * rights suffice for, and works wherever there is a shell. PR_SET_PDEATHSIG through
 * setpriv(1) would cost 1.5 ms with each command, reach the command only and not what
 * it started, be dropped by set-user-ID programs, and fire when the *thread* ends
 * that started the command.
 *
 * Not guaranteed: the end of a process that has left its group, or of a group whose
 * registration was not read yet when this process and the guard were killed together.
 */
export class GroupGuard {
  readonly #groups = new Set<number>()
  #shell: ChildProcess | undefined

  add(group: number): void {
    this.#groups.add(group)
    if (this.#shell) this.#tell(`+ ${group}\n`)
    else this.#start()
  }

  delete(group: number): void {
    if (this.#groups.delete(group)) this.#tell(`- ${group}\n`)
  }

  #tell(line: string): void {
    this.#shell?.stdin?.write(line)
  }

  /** In a session of its own, out of reach of the terminal's signals; it does not keep this process alive. */
  #start(): void {
    const shell = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true, cwd: '/' })
    const gone = (): void => {
      if (this.#shell === shell) this.#shell = undefined
    }
    shell.on('error', gone).on('exit', gone).unref()
    shell.stdin.on('error', gone)
    // What Node makes for a pipe is a socket.
    if (shell.stdin instanceof Socket) shell.stdin.unref()
    this.#shell = shell
    for (const group of this.#groups) this.#tell(`+ ${group}\n`)
  }
}
