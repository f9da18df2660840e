import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { callControl } from '#src/admin/control-client.js'
import { bindSocket } from '#src/ipc/listening-handle.js'
import { until } from '../../support/processes.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

/** A peer that does as `onClient` says, whatever it is asked. */
async function peer(context: TestContext, onClient: (client: net.Socket) => void): Promise<string> {
  const path = join(temporaryFolder(context), 'control.sock')
  const clients = new Set<net.Socket>()
  const server = net.createServer((client) => {
    clients.add(client.on('error', () => {}))
    onClient(client)
  }).listen(path)
  await once(server, 'listening')
  context.after(() => {
    for (const client of clients) client.destroy()
    server.close()
  })
  return path
}

function answering(context: TestContext, answer: string): Promise<string> {
  return peer(context, (client) => { client.once('data', () => client.write(answer)) })
}

test('callControl() sends one request a line, and gives the result', async (context) => {
  let asked = ''
  const path = await peer(context, (client) => client.on('data', (data) => {
    asked += String(data)
    client.write('{"id":1,"result":{"a":[1,2]}}\n')
  }))
  assert.deepEqual(await callControl(path, 'scale', { workers: 4 }), { a: [1, 2] })
  assert.equal(asked, '{"id":1,"method":"scale","params":{"workers":4}}\n')
})

test('callControl() takes an answer that comes in pieces, within a character too', async (context) => {
  const path = await peer(context, (client) => client.once('data', () => {
    const bytes = Buffer.from('{"id":1,"result":"grün"}\n')
    const middle = bytes.indexOf('ü') + 1
    client.write(bytes.subarray(0, middle), () => setImmediate(() => client.write(bytes.subarray(middle))))
  }))
  assert.equal(await callControl(path, 'status'), 'grün')
})

test("callControl() throws the launcher's own error: code, message, details", async (context) => {
  const path = await answering(context, '{"id":1,"error":{"code":"SCALE_INVALID","message":"Cannot scale","details":{"workers":0}}}\n')
  await assert.rejects(callControl(path, 'scale'), { name: 'CodedError', code: 'SCALE_INVALID', message: 'Cannot scale', details: { workers: 0 } })
})

test('callControl() throws CONTROL_UNREACHABLE where nobody is', async (context) => {
  const folder = temporaryFolder(context)
  const missing = join(folder, 'missing.sock')
  await assert.rejects(callControl(missing, 'status'), { code: 'CONTROL_UNREACHABLE', message: `Cannot reach a launcher at "${missing}" as there is no such socket` })
  const dead = bindSocket({ kind: 'unix', path: join(folder, 'dead.sock') })
  context.after(() => dead.close())
  await assert.rejects(callControl(join(folder, 'dead.sock'), 'status'), { code: 'CONTROL_UNREACHABLE', message: /as nobody answers on it$/ })
  await assert.rejects(callControl(join(folder, 'a'.repeat(200)), 'status'), { code: 'CONTROL_UNREACHABLE' })
})

test('callControl() throws CONTROL_GONE when the launcher ends before it answers', async (context) => {
  for (const half of ['', '{"id":1,"resu']) {
    const path = await peer(context, (client) => { client.once('data', () => client.end(half)) })
    await assert.rejects(callControl(path, 'stop'), { code: 'CONTROL_GONE', message: `Cannot get an answer from "${path}" as the launcher ended first: stop` })
  }
})

test('callControl() throws CONTROL_TIMEOUT when the answer takes too long, and closes its connection', async (context) => {
  let closed: Promise<unknown> | undefined
  const path = await peer(context, (client) => { closed = once(client.resume(), 'close') })
  await assert.rejects(callControl(path, 'status', {}, { timeoutMs: 20 }), { code: 'CONTROL_TIMEOUT', message: `Cannot get an answer from "${path}" as it took over 20 ms: status` })
  await closed
})

for (const answer of ['rubbish', '', '7', 'null', 'HTTP/1.1 400 Bad Request']) {
  test(`callControl() throws CONTROL_UNREACHABLE when something else than a launcher answers: ${JSON.stringify(answer)}`, async (context) => {
    const path = await answering(context, `${answer}\r\n`)
    await assert.rejects(callControl(path, 'status'), { code: 'CONTROL_UNREACHABLE', message: `Cannot reach a launcher at "${path}" as something else answers there: ${answer}` })
  })
}

test('callControl() leaves no timer behind', async (context) => {
  const timers = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
  const before = timers()
  const path = await answering(context, '{"id":1,"result":1}\n')
  await callControl(path, 'status', {}, { timeoutMs: 60_000 })
  await until('the end of the timer', () => timers() <= before, 1_000)
})
