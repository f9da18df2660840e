import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CodedError, hasCode } from '#src/base/errors.js'
import { FanOut, FanOutError } from '#src/queue/fan-out.js'
import { pipeline } from '#src/queue/pipeline.js'
import { Stage } from '#src/queue/stage.js'
import { yieldNow } from '#src/queue/yield.js'

interface Write {
  readonly pool: string
  readonly image: string
  readonly id: number
}

function gate() {
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => { open = resolve })
  return { opened, open: () => open() }
}

test('Stage.submit() returns when the item was let in, and its outcome comes later', async () => {
  const { opened, open } = gate()
  const stage = new Stage({ name: 'double', handler: async (item: number) => { await opened; return item * 2 } })
  const outcome = await stage.submit(21)
  assert.equal(outcome.settled, false)
  open()
  assert.equal(await outcome.result, 42)
  await stage.close()
  await assert.rejects(stage.submit(1), (error) => hasCode(error, 'QUEUE_CLOSED'))
})

test('Stage.submit() waits while the queue is full', async () => {
  const { opened, open } = gate()
  const stage = new Stage({ name: 'slow', capacity: 1, handler: async (item: number) => { await opened; return item } })
  await stage.submit(1)
  await yieldNow()
  await stage.submit(2)
  let accepted = false
  const third = stage.submit(3).then(() => { accepted = true })
  await yieldNow()
  assert.equal(accepted, false)
  open()
  await third
  await stage.drain()
})

test('Stage tells onError once of a failure for which nobody asks', async () => {
  const told: unknown[] = []
  const error = new Error('broken')
  const stage = new Stage({ name: 'fails', handler: (): number => { throw error }, onError: (each) => told.push(each) })
  await stage.submit(1)
  const asked = await stage.submit(2)
  await assert.rejects(asked.result, error)
  await stage.drain()
  await yieldNow()
  await yieldNow()
  assert.deepEqual(told, [error])
})

test('Stage serves control by a lane of its own, however full and busy the data is', async () => {
  const { opened, open } = gate()
  const stage = new Stage({ name: 'data', capacity: 1, handler: async (item: string) => { if (item === 'data') await opened; return item } })
  const data = [await stage.submit('data')]
  await yieldNow()
  data.push(await stage.submit('data'))
  const waiting = stage.submit('data')
  assert.equal(await (await stage.submit('drain', { lane: 'control' })).result, 'drain')
  const paused = stage.pause()
  assert.equal(await (await stage.submit('configure', { lane: 'control' })).result, 'configure')
  stage.resume()
  open()
  await Promise.all([paused, ...[...data, await waiting].map(({ result }) => result)])
})

test('Stage.abort() gives its reason to every item that no handler got', async () => {
  const stage = new Stage({ name: 'data', handler: (_: number, { signal }) => new Promise((_resolve, reject) => { signal.addEventListener('abort', () => reject(signal.reason as Error)) }), onError: (error) => assert.fail(error as Error) })
  const outcomes = await Promise.all([stage.submit(1), stage.submit(2)])
  await stage.submit(3)
  await yieldNow()
  const results = Promise.allSettled(outcomes.map(({ result }) => result))
  stage.abort()
  for (const each of await results) assert.ok(each.status === 'rejected' && hasCode(each.reason, 'QUEUE_ABORTED'))
  await yieldNow()
  await yieldNow()
})

test('pipeline() takes items from pools through images to targets, in order for each image', async () => {
  const sent: Write[] = []
  const chain = pipeline(
    new Stage({ name: 'pools', queueOf: ({ pool }: Write) => pool, consumers: 2, perQueue: 1, handler: (write: Write) => write }),
    new Stage({ name: 'images', queueOf: ({ image }: Write) => image, consumers: 4, perQueue: 1, capacity: 2, handler: async (write: Write) => { if (write.id % 3 === 0) await yieldNow(); return write } }),
    new Stage({ name: 'send', handler: (write: Write) => { sent.push(write); return `${write.image}#${write.id}` } }),
  )
  const outcomes = []
  for (let id = 0; id < 200; id++) outcomes.push(await chain.submit({ pool: `p${id % 2}`, image: `i${id % 10}`, id }))
  assert.deepEqual(await Promise.all(outcomes.map(({ result }) => result)), Array.from({ length: 200 }, (_, id) => `i${id % 10}#${id}`))
  for (let image = 0; image < 10; image++) {
    const order = sent.filter((write) => write.image === `i${image}`).map(({ id }) => id)
    assert.deepEqual(order, [...order].sort((a, b) => a - b))
  }
  await chain.close()
})

test('pipeline() lets a slow stage slow those before it, up to submit', async () => {
  const { opened, open } = gate()
  const first = new Stage({ name: 'first', capacity: 1, handler: (item: number) => item })
  const chain = pipeline(first, new Stage({ name: 'second', capacity: 1, handler: async (item: number) => { await opened; return item } }))
  let accepted = 0
  const submits = Array.from({ length: 10 }, (_, item) => chain.submit(item).then((outcome) => { accepted++; return outcome.result }))
  for (let turn = 0; turn < 5; turn++) await yieldNow()
  assert.equal(accepted, 4, 'one is handled and one queued in each stage')
  open()
  assert.deepEqual(await Promise.all(submits), Array.from({ length: 10 }, (_, item) => item))
  await chain.drain()
})

test('pipeline() makes the failure of any stage the outcome, and abort() that of all', async () => {
  const chain = pipeline(
    new Stage({ name: 'first', handler: (item: number) => { if (item === 1) throw new Error('first is broken'); return item } }),
    new Stage({ name: 'second', handler: async (item: number, { signal }) => {
      if (item === 2) throw new Error('second is broken')
      await new Promise((_, reject) => { signal.addEventListener('abort', () => reject(signal.reason as Error)) })
    } }),
    { onError: (error) => assert.fail(error as Error) },
  )
  await assert.rejects((await chain.submit(1)).result, /first is broken/)
  await assert.rejects((await chain.submit(2)).result, /second is broken/)
  const stuck = await chain.submit(3)
  await chain.submit(4)
  await yieldNow()
  const end = assert.rejects(stuck.result, (error) => hasCode(error, 'QUEUE_ABORTED'))
  chain.abort()
  await end
  await yieldNow()
})

test('FanOut completes a request once, when all of its parts have ended', async () => {
  const { opened, open } = gate()
  const stage = new Stage({ name: 'targets', queueOf: (target: string) => target, consumers: 3, perQueue: 1, handler: async (target: string) => { if (target === 'c') await opened; return target.toUpperCase() } })
  const fanOut = new FanOut({ split: (targets: string[]) => targets, stage, join: (parts) => parts.join('') })
  const outcome = await fanOut.submit(['a', 'b', 'c'])
  await yieldNow()
  assert.equal(outcome.settled, false)
  open()
  assert.equal(await outcome.result, 'ABC')
  assert.equal(await (await fanOut.submit([])).result, '')
})

test('FanOut fails with all errors and their codes, after the parts that go well', async () => {
  const { opened, open } = gate()
  const stage = new Stage({ name: 'targets', consumers: 4, handler: async (part: number) => {
    if (part === 0) await opened
    if (part % 2) throw new CodedError(`PART_${part}`, `part ${part} is broken`)
    return part
  } })
  const outcome = await new FanOut({ split: (count: number) => Array.from({ length: count }, (_, part) => part), stage }).submit(4)
  const failure = outcome.result.catch((error: unknown) => error)
  await yieldNow()
  assert.equal(outcome.settled, false)
  open()
  const error = await failure
  assert.ok(error instanceof FanOutError && hasCode(error, 'FAN_OUT_FAILED'))
  assert.deepEqual(error.errors.map((each: CodedError) => each.code), ['PART_1', 'PART_3'])
  assert.deepEqual(error.details, { parts: 4, failed: [{ index: 1, code: 'PART_1', message: 'part 1 is broken' }, { index: 3, code: 'PART_3', message: 'part 3 is broken' }] })
  assert.equal(error.message, 'Cannot complete the request as each of its 4 parts must succeed: 2 failed (PART_1, PART_3)')
})

test('FanOut tells once of a failed request for which nobody asks, and counts parts that were turned away', async () => {
  const told: unknown[] = []
  const stage = new Stage({ name: 'targets', handler: (part: number) => part, onError: () => assert.fail('the request is told') })
  await stage.close()
  await new FanOut({ split: () => [1, 2], stage, onError: (error) => told.push(error) }).submit('request')
  await yieldNow()
  await yieldNow()
  assert.equal(told.length, 1)
  assert.deepEqual((told[0] as FanOutError).details.failed.map(({ code }) => code), ['QUEUE_CLOSED', 'QUEUE_CLOSED'])
})

test('FanOut completes every request once, with the failures of its parts, whatever they do', async () => {
  const part = fc.record({ target: fc.constantFrom('a', 'b', 'c'), turns: fc.nat(3), fails: fc.boolean() })
  await fc.assert(fc.asyncProperty(fc.array(fc.array(part, { maxLength: 6 }), { maxLength: 12 }), async (requests) => {
    const stage = new Stage({ name: 'targets', queueOf: ({ target }: { target: string, turns: number, fails: boolean }) => target, consumers: 3, perQueue: 1, capacity: 2, handler: async ({ turns, fails }) => {
      for (let turn = 0; turn < turns; turn++) await yieldNow()
      if (fails) throw new Error('broken')
    } })
    const fanOut = new FanOut({ split: (parts: typeof requests[number]) => parts, stage })
    const results = await Promise.allSettled(requests.map(async (parts) => (await fanOut.submit(parts)).result))
    for (const [index, parts] of requests.entries()) {
      const failures = parts.filter(({ fails }) => fails).length
      const result = results[index]
      assert.equal(result?.status === 'rejected' ? (result.reason as FanOutError).errors.length : 0, failures)
      if (result?.status === 'fulfilled') assert.equal(result.value.length, parts.length)
    }
    await stage.close()
  }), { numRuns: 50 })
})
