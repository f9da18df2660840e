import assert from 'node:assert/strict'
import os from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { availableCpus } from '#src/launcher/available-cpus.js'
import { readConfig, readSettings, type LaunchRequest } from '#src/launcher/settings.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

/** A request with a service module, and `conf` as its one configuration file. */
function request(context: TestContext, conf = '', more: Partial<Omit<LaunchRequest, 'module'>> = {}): LaunchRequest & { readonly module: string } {
  const folder = temporaryFolder(context, { 'api.mjs': '', 'jobs.mjs': '', 'reeve.conf': conf })
  return { module: join(folder, 'api.mjs'), args: [], files: [join(folder, 'reeve.conf')], directories: [], flags: [], env: {}, ...more }
}

/** Two services by sections, whose modules are those of `request()`. */
function sections(context: TestContext, conf: (module: (name: string) => string) => string): LaunchRequest {
  const folder = temporaryFolder(context, { 'api.mjs': '', 'jobs.mjs': '' })
  const text = conf((name) => join(folder, `${name}.mjs`))
  const files = [join(temporaryFolder(context, { 'reeve.conf': text }), 'reeve.conf')]
  return { module: undefined, args: [], files, directories: [], flags: [], env: {} }
}

test('readSettings() without any configuration is the defaults, and the name is that of the module', (context) => {
  const asked = request(context)
  const { name, host, controlPath, pidFile, listen, services, unclaimed } = readSettings(asked)
  assert.deepEqual({ name, host, controlPath, pidFile, listen, unclaimed }, { name: 'api', host: os.hostname(), controlPath: undefined, pidFile: undefined, listen: [], unclaimed: [] })
  const [{ policy: { random, ...policy }, ...spec } = assert.fail('no service')] = services
  assert.equal(typeof random(), 'number')
  assert.deepEqual(spec, {
    name: 'api', args: [], env: {}, cwd: undefined, critical: true, modulePath: asked.module, workers: availableCpus(), imports: [], sockets: [],
    readyWhen: 'auto', heartbeatIntervalMs: 1_000, keepAliveGraceMs: null, maxConcurrent: 1_024, nativeThreads: 20, loopDelayWarningMs: 500,
    limit: { intensity: 10 * availableCpus(), periodMs: 60_000 },
  })
  assert.deepEqual(policy, {
    restartType: 'permanent', bootTimeoutMs: 60_000, hangTimeoutMs: 30_000, minHealthyMs: 10_000, gracefulShutdownTimeoutMs: 60_000, backoffMaxMs: 30_000,
  })
})

test('readSettings() takes what the sources say: flags over variables over files', (context) => {
  const conf = 'workers = 2\nboot_timeout = 5\nname = shop\nlisten = tcp://127.0.0.1:0, admin=unix:/run/a.sock\nready = listen\nkeep_alive_grace = 2s\nrestart_intensity = 7\nimport = tsx, ./trace.mjs'
  const { name, listen, services: [spec] } = readSettings(request(context, conf, {
    args: ['--port', '1'], env: { REEVE_WORKERS: '3', REEVE_BOOT_TIMEOUT: '6' }, flags: [{ group: 'DEFAULT', key: 'workers', value: '4', flag: '--workers' }],
  }))
  assert.equal(name, 'shop')
  assert.deepEqual(listen.map((url) => url.name), ['http', 'admin'])
  assert.ok(spec)
  assert.deepEqual([spec.name, spec.workers, spec.policy.bootTimeoutMs, spec.args, spec.sockets], ['shop', 4, 6_000, ['--port', '1'], ['http', 'admin']])
  assert.deepEqual([spec.readyWhen, spec.keepAliveGraceMs, spec.limit.intensity, spec.imports], ['listen', 2_000, 7, ['tsx', './trace.mjs']])
})

test('readSettings() makes a name that can be a file\'s of any module', (context) => {
  const folder = temporaryFolder(context, { 'my service+.mjs': '' })
  const asked: LaunchRequest = { ...request(context), module: join(folder, 'my service+.mjs') }
  assert.equal(readSettings(asked).name, 'my_service_')
})

test('readSettings() has a service for each section, in their order, with the defaults of [DEFAULT]', (context) => {
  const { name, listen, services } = readSettings(sections(context, (module) => `
workers = 2
restart_type = transient
listen = shared=unix:/run/s.sock
[service:api]
module = ${module('api')}
listen = tcp://127.0.0.1:0
args = -v, now
env = A=1, B=x=y
cwd = /
[service:jobs]
module = ${module('jobs')}
workers = 1
restart_type = temporary
critical = no
`))
  const [api, jobs] = services
  assert.ok(api && jobs)
  assert.equal(name, 'api')
  assert.deepEqual(listen.map((url) => url.name), ['shared', 'http'])
  assert.deepEqual([api.name, api.workers, api.policy.restartType, api.critical, api.sockets], ['api', 2, 'transient', true, ['shared', 'http']])
  assert.deepEqual([api.args, api.env, api.cwd], [['-v', 'now'], { A: '1', B: 'x=y' }, '/'])
  assert.deepEqual([jobs.name, jobs.workers, jobs.policy.restartType, jobs.critical, jobs.sockets], ['jobs', 1, 'temporary', false, ['shared']])
  assert.deepEqual([api.limit.intensity, jobs.limit.intensity], [20, 10])
})

test('readSettings() refuses two sockets of one name, wherever they are named: the second would never be opened', (context) => {
  const twoServices = sections(context, (module) => `
[service:api]
module = ${module('api')}
listen = tcp://127.0.0.1:8001
[service:jobs]
module = ${module('jobs')}
listen = tcp://127.0.0.1:8002
`)
  assert.throws(() => readSettings(twoServices), (error: Error) => {
    return /reeve\.conf:7: \[service:jobs\] listen cannot be used: another socket is called "http": give this one a name of its own, NAME=URL/.test(error.message)
  })
})

const refused: readonly (readonly [string, string, string, RegExp])[] = [
  ['a bad value', 'workers = 0', 'CONFIG_INVALID', /reeve\.conf:1: \[DEFAULT\] workers must be a whole number from 1 to 9999, or auto/],
  ['a bad listen', 'workers = 1\nlisten = tcp://here', 'CONFIG_INVALID', /reeve\.conf:2: \[DEFAULT\] listen cannot be used: Cannot listen on "tcp:\/\/here"/],
  ['a file that is no INI', 'rubbish', 'CONFIG_SYNTAX', /reeve\.conf/],
]

for (const [what, conf, code, message] of refused) {
  test(`readSettings() refuses ${what}, and says where it stands`, (context) => {
    assert.throws(() => readSettings(request(context, conf)), (error: Error & { code?: string }) => error.code === code && message.test(error.message))
  })
}

test('readSettings() refuses a section without a module, and a bad entry of its env', (context) => {
  assert.throws(() => readSettings(sections(context, () => '[service:api]\nworkers = 1\n')), {
    code: 'SERVICE_MISSING', message: 'Cannot run "api" as its section has no "module": [service:api]',
  })
  assert.throws(() => readSettings(sections(context, (module) => `[service:api]\nmodule = ${module('api')}\nenv = A\n`)), (error: Error) => {
    return /reeve\.conf:3: \[service:api\] env cannot be used: an entry is KEY=VALUE, not "A"/.test(error.message)
  })
})

test('readSettings() refuses to run nothing, and a module that is nowhere', (context) => {
  const asked = request(context)
  assert.throws(() => readSettings({ ...asked, module: undefined }), { code: 'SERVICE_MISSING' })
  assert.throws(() => readSettings({ ...asked, module: `${asked.module}.missing` }), { code: 'MODULE_MISSING' })
})

test('readSettings() leaves to the service what the launcher does not know', (context) => {
  const { unclaimed, config } = readSettings(request(context, '[web]\ngreeting = hello\n'))
  assert.deepEqual(unclaimed.map((entry) => 'key' in entry ? `${entry.group}.${entry.key}` : ''), ['web.greeting'])
  assert.throws(() => config.group('web'), { code: 'CONFIG_UNKNOWN_GROUP' })
})

test('readSettings() of a canary meets no launcher that runs with the same configuration', (context) => {
  const conf = 'workers = 8\nlisten = tcp://127.0.0.1:8080, admin=unix:/run/a.sock\npid_file = /run/a.pid\ncontrol_path = /run/c.sock\nrestart_type = permanent'
  const { controlPath, pidFile, listen, services: [spec] } = readSettings(request(context, conf, { canary: true }))
  assert.deepEqual([controlPath, pidFile], ['none', undefined])
  assert.deepEqual(listen, ['http', 'admin'].map((name) => ({ name, kind: 'tcp', host: '127.0.0.1', port: 0 })))
  assert.deepEqual([spec?.workers, spec?.policy.restartType], [1, 'temporary'])
})

test('readConfig() reads the files anew each time', (context) => {
  const asked = request(context, 'workers = 2')
  assert.equal(readConfig(asked).config.group('DEFAULT')['workers'], '2')
  assert.equal(readConfig({ ...asked, env: { REEVE_WORKERS: '5' } }).config.group('DEFAULT')['workers'], '5')
})

test('readConfig() knows the groups of the services that the configuration names', (context) => {
  const { groups } = readConfig(sections(context, (module) => `[service:api]\nmodule = ${module('api')}\n`))
  assert.deepEqual(Object.keys(groups), ['DEFAULT', 'log', 'service:api'])
})
