import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HostMembershipProxy } from '#src/coordination/host/host-membership-proxy.js'

interface Sent {
  readonly kind: string
  readonly call: number
}

/** A launcher that does whatever it is asked. */
function connected(): { readonly proxy: HostMembershipProxy; readonly sent: Sent[] } {
  const sent: Sent[] = []
  const proxy = new HostMembershipProxy({
    send: (body) => {
      sent.push(body as Sent)
      queueMicrotask(() => proxy.receive({ kind: 'answer', call: (body as Sent).call, result: true }))
    },
    close: () => {},
  })
  return { proxy, sent }
}

test('HostMembershipProxy.onRejoined() calls every listener', () => {
  const { proxy } = connected()
  const told: string[] = []
  proxy.onRejoined((group) => told.push(`first ${group}`))
  proxy.onRejoined((group) => told.push(`second ${group}`))
  proxy.receive({ kind: 'rejoined', group: 'g' })
  assert.deepEqual(told, ['first g', 'second g'])
})

test('HostMembershipProxy.stop() leaves every group; later puts are refused', async () => {
  const { proxy, sent } = connected()
  await proxy.put('g', 'a', {}, 15_000)
  await proxy.stop()
  await assert.rejects(proxy.put('g', 'a', {}, 15_000), { code: 'COORDINATOR_STOPPED' })
  assert.equal(await proxy.remove('g', 'a'), false)
  assert.deepEqual(sent.map(({ kind }) => kind), ['put', 'remove'])
})
