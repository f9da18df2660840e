import { EXIT } from '../../base/exit-code.js'
import { Launcher } from '../../launcher/launcher.js'
import { readSettings, type LaunchRequest } from '../../launcher/settings.js'
import { parseArguments } from '../arguments.js'
import { optionFlags, SOURCE_FLAGS, sourcesOf } from '../flags.js'

/** `launcher check`: what the configuration says is valid, and with `--boot` the service comes up with it. */
export async function check(argv: readonly string[]): Promise<number> {
  const boot = { flag: '--boot', help: 'Bring one worker to ready, on sockets of its own, and stop it.' }
  const parsed = parseArguments(argv, [...optionFlags(), ...SOURCE_FLAGS, boot], { operandEndsFlags: true })
  const [module, ...args] = parsed.operands
  const request: LaunchRequest = { module, args, env: process.env, ...sourcesOf(parsed) }
  const { services, unclaimed } = readSettings(request)
  const names = services.map(({ name, workers }) => `${name} (${workers} workers)`).join(', ')
  if (!parsed.flags.some(({ flag }) => flag === boot.flag)) {
    const left = unclaimed.length === 0 ? '' : `; ${unclaimed.length} keys that only the service can judge: use --boot`
    process.stdout.write(`the configuration is valid: ${names}${left}\n`)
    return EXIT.clean
  }
  const { exitCode } = await new Launcher({ ...request, canary: true }).run()
  if (exitCode === EXIT.clean) process.stdout.write(`the configuration is valid, and a worker of each became ready and stopped: ${names}\n`)
  return exitCode
}
