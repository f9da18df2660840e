import assert from 'node:assert/strict'
import { busy, granted, LONG_MS, type Case, type Scene } from './scene.js'

const ODD_NAMES = [
  'a b', '{a}', '}{', '{}', '{', 'a:queue', '*?[a-z]\\', "it's", '"quoted"', 'é∀🦑', '%s%d', '$1', 'a#b#c', '..', '/', 'x'.repeat(507), '漢'.repeat(169), '__proto__', 'constructor',
]

const odd = (prefix: string): readonly Case[] => ODD_NAMES.map((name) => ({
  title: `${prefix}${JSON.stringify(name.length > 40 ? `${name.slice(0, 4)}…` : name)} is a name like any other`,
  run: async (scene) => {
    const member = `h1/${name.slice(0, 40)}`
    const id = `${member}#1.${scene.name}`
    const request = { ...scene.request('-'), name: `${prefix}${name}`, id, record: JSON.stringify({ [name]: name, member }) }
    const { fence } = granted(await scene.first.acquire(request))
    busy(await scene.second.acquire({ ...request, id: `${id}2`, waitMs: LONG_MS }))
    const snapshot = await scene.second.readResource(request.name)
    assert.deepEqual(snapshot?.holders.map((holder) => ({ id: holder.id, record: holder.record })), [{ id, record: { [name]: name, member } }])
    assert.deepEqual(snapshot.waiters.map((waiter) => waiter.id), [`${id}2`])
    assert.ok((await scene.first.listResources('lock')).some((found) => found.name === request.name && found.fence === fence))
    assert.equal(await scene.first.release({ name: request.name, id, to: member, onlyTo: true }), 'released')
    await scene.eventually('it is woken', () => scene.woken.second.includes(`${id}2`))
    assert.equal(await scene.second.release({ name: request.name, id: `${id}2` }), 'left')
    await groupOfThatName(scene, name)
  },
}))

async function groupOfThatName(scene: Scene, name: string): Promise<void> {
  const record = JSON.stringify({ [name]: [name] })
  const [reply] = await scene.first.beat([{ group: name, member: name, ttlMs: LONG_MS, record, keep: false }])
  assert.equal(reply?.joined, true)
  assert.deepEqual((await scene.second.readGroup(name)).members.map((member) => ({ id: member.id, record: member.record })), [{ id: name, record: { [name]: [name] } }])
  assert.ok((await scene.second.listGroups()).includes(name))
  assert.equal(await scene.second.leave({ group: name, member: name }), true)
  assert.equal(await scene.second.deleteGroup(name), 'deleted')
}

/** Names, messages, and the store itself. */
export const otherCases: readonly Case[] = [
  ...odd('lock:'),
  {
    title: 'subscribe() tells of every change of a leader, and of nothing after its end',
    run: async (scene) => {
      const name = scene.name.replace('lock:', 'leader:')
      const topic = name
      let told = 0
      const unsubscribe = await scene.second.subscribe(topic, () => { told++ })
      const tells = async (change: () => Promise<unknown>): Promise<void> => {
        const before = told
        await change()
        await scene.eventually(`told of ${String(change)}`, () => told > before)
      }
      const request = { ...scene.request('a'), name }
      await tells(() => scene.first.acquire(request))
      await tells(() => scene.first.amend({ name, id: request.id, record: '{"value":1}' }))
      await tells(() => scene.first.release({ name, id: request.id }))
      await tells(() => scene.first.acquire(request))
      await tells(() => scene.first.forceRelease({ name, by: 'x', lockDelayMs: 0 }))
      unsubscribe()
      let others = 0
      const end = await scene.second.subscribe(topic, () => { others++ })
      const before = told
      await scene.first.acquire({ ...request, id: scene.id('b') })
      await scene.eventually('the other listener is told', () => others > 0)
      assert.equal(told, before)
      end()
    },
  },
  {
    title: 'subscribe() tells every listener of every client of changes of its group',
    run: async (scene) => {
      const group = scene.name.replace('lock:', 'watched ')
      const told = [0, 0, 0]
      const ends = await Promise.all([scene.first, scene.first, scene.second].map((store, index) => store.subscribe(`group:${group}`, () => { told[index] = (told[index] ?? 0) + 1 })))
      const tells = async (change: () => Promise<unknown>): Promise<void> => {
        const before = [...told]
        await change()
        await scene.eventually(`told of ${String(change)}: ${told.join(' ')}`, () => told.every((count, index) => count > (before[index] ?? 0)))
      }
      const beat = { group, member: 'm', ttlMs: LONG_MS, record: '{}', keep: false }
      await tells(() => scene.first.beat([beat]))
      await tells(() => scene.first.beat([{ ...beat, record: '{"a":1}' }]))
      await tells(() => scene.first.mark({ group, member: 'm', mark: '{}' }))
      await tells(() => scene.first.leave({ group, member: 'm' }))
      for (const end of ends) end()
    },
  },
  {
    title: 'status() says that it is well',
    run: async (scene) => {
      const { connected, quarantinedMs, url } = await scene.first.status()
      assert.deepEqual({ connected, quarantinedMs }, { connected: true, quarantinedMs: 0 })
      assert.match(url, /^(?:embedded:|redis)/)
    },
  },
  {
    title: 'close() of a client ends its leases and its waiting where they are bound to the connection, and nowhere else',
    run: async (scene) => {
      const client = await scene.openClient()
      granted(await client.acquire(scene.request('a')))
      busy(await scene.second.acquire(scene.waiting('b')))
      await client.close()
      if (client.features.boundToConnection) {
        await scene.eventually('the next is woken', () => scene.woken.second.includes(scene.id('b')))
        granted(await scene.second.acquire(scene.waiting('b')))
      } else {
        busy(await scene.second.acquire(scene.waiting('b')))
        assert.equal(await scene.release('a'), 'released')
      }
    },
  },
  {
    title: 'calls at once keep to the contract as those one after the other do',
    run: async (scene) => {
      const members = Array.from({ length: 50 }, (_, index) => `m${index}`)
      const stores = [scene.first, scene.second] as const
      const replies = await Promise.all(members.map((member, index) => (stores[index % 2] ?? scene.first).acquire(scene.waiting(member))))
      assert.equal(replies.filter(({ status }) => status === 'granted').length, 1)
      const positions = replies.flatMap((reply) => (reply.status === 'busy' ? [reply.position] : []))
      assert.deepEqual(positions.sort((a, b) => a - b), Array.from({ length: 49 }, (_, index) => index))
      const ends = await Promise.all(members.map((member) => scene.release(member)))
      assert.deepEqual([ends.filter((end) => end === 'released').length, ends.filter((end) => end === 'left').length], [1, 49])
    },
  },
]
