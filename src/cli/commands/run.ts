import { Launcher } from '../../launcher/launcher.js'
import { parseArguments } from '../arguments.js'
import { optionFlags, SOURCE_FLAGS, sourcesOf } from '../flags.js'

/** `launcher run`: ends with the exit code of the fleet. */
export async function run(argv: readonly string[]): Promise<number> {
  const parsed = parseArguments(argv, [...optionFlags(), ...SOURCE_FLAGS], { operandEndsFlags: true })
  const [module, ...args] = parsed.operands
  const { exitCode } = await new Launcher({ module, args, env: process.env, ...sourcesOf(parsed) }).run()
  return exitCode
}
