import { Launcher } from '../../launcher/launcher.js'
import { parseArguments, type FlagSpec } from '../arguments.js'
import { optionFlags, SOURCE_FLAGS, sourcesOf } from '../flags.js'

const HELP: FlagSpec = { flag: '--help', short: '-h', help: 'Print this.' }

/** `launcher run`: ends with the exit code of the fleet. `--help` in front of the service is for us; behind it, it is the service's. */
export async function run(argv: readonly string[], showHelp: () => Promise<number>): Promise<number> {
  const parsed = parseArguments(argv, [...optionFlags(), ...SOURCE_FLAGS, HELP], { operandEndsFlags: true })
  if (parsed.flags.some(({ flag }) => flag === HELP.flag)) return await showHelp()
  const [module, ...args] = parsed.operands
  const { exitCode } = await new Launcher({ module, args, env: process.env, ...sourcesOf(parsed) }).run()
  return exitCode
}
