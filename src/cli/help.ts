import { wrapText } from '../config/sample.js'
import type { FlagSpec } from './arguments.js'
import { COMMANDS } from './commands.js'
import { optionFlags, SOURCE_FLAGS } from './flags.js'

const WIDTH = 79
const INDENT = 8

/** The help of a command, or of all. */
export function helpText(name: string | undefined): string {
  const command = name === undefined ? undefined : COMMANDS[name]
  if (command && name !== 'run') return `usage: launcher ${command.usage}\n\n${capitalise(command.summary)}.\n${CONTROLLING.has(name ?? '') ? CONTROL_HELP : COORDINATING.has(name ?? '') ? COORDINATION_HELP : ''}`
  const commands = Object.values(COMMANDS).map(({ usage, summary }) => `  launcher ${usage}\n      ${summary}`)
  return [
    'usage:', ...commands, '',
    'Every option is also a key of a configuration file (--boot-timeout is boot_timeout',
    'in [DEFAULT]) and a variable (REEVE_BOOT_TIMEOUT). TIME is seconds, or has a unit:',
    '500ms, 5s, 2m. "launcher config sample" prints them with their defaults.', '',
    'options of run:',
    ...SOURCE_FLAGS.map(renderFlag), ...optionFlags().map(renderFlag), '',
    'exit codes: 0 stopped cleanly, 1 failed, 2 wrong command line, 3 wrong configuration,',
    '  4 no worker became ready, 5 gave up after too many deaths, 6 something had to be killed',
    'signals: TERM stop, INT stop (twice: at once), QUIT stop at once, HUP reload,',
    '  USR1 reopen logs, USR2 log a report, TTIN one worker more, TTOU one fewer',
  ].join('\n')
}

const CONTROLLING = new Set(['status', 'workers', 'stop', 'reload', 'scale', 'signal'])
const COORDINATING = new Set(['locks', 'lock', 'leaders', 'groups', 'members', 'services', 'service'])

const CONTROL_HELP = `
NAME is the launcher's name (see --name of run); it may be left out where only
one launcher runs. --control PATH speaks to the control socket at PATH.`

const COORDINATION_HELP = `
--coordination URL names the store; without it, that of the configuration (see
coordination_url, --config-file), which is read as run reads it. What is kept in
a launcher (embedded:) is asked for by its control socket: --name, --control PATH.`

function renderFlag({ flag, short, value, help }: FlagSpec): string {
  const head = `  ${short === undefined ? '' : `${short}, `}${flag}${value === undefined ? '' : ` ${value}`}`
  return [head, ...wrapText(help, WIDTH - INDENT).map((line) => ' '.repeat(INDENT) + line)].join('\n')
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
