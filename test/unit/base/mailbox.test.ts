import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Mailbox } from '#src/base/mailbox.js'

const LONG_MS = 60_000

test('Mailbox.receive() gives items in the order in which they were sent', async () => {
  const mailbox = new Mailbox<number>()
  for (const item of [1, 2, 3]) mailbox.send(item)
  assert.deepEqual([await mailbox.receive(LONG_MS), await mailbox.receive(LONG_MS), await mailbox.receive(LONG_MS)], [1, 2, 3])
})

test('Mailbox.receive() waits for the next item', async () => {
  const mailbox = new Mailbox<string>()
  const received = mailbox.receive(LONG_MS)
  mailbox.send('a')
  mailbox.send('b')
  assert.equal(await received, 'a')
  assert.equal(await mailbox.receive(LONG_MS), 'b')
})

test('Mailbox.receive() is undefined when none came in time', async () => {
  const mailbox = new Mailbox<string>()
  assert.equal(await mailbox.receive(5), undefined)
  mailbox.send('late')
  assert.equal(await mailbox.receive(LONG_MS), 'late')
})

for (const timeoutMs of [0, -1, Number.NEGATIVE_INFINITY]) {
  test(`Mailbox.receive(${timeoutMs}) does not wait, and gives what is there`, async () => {
    const mailbox = new Mailbox<string>()
    assert.equal(await mailbox.receive(timeoutMs), undefined)
    mailbox.send('a')
    assert.equal(await mailbox.receive(timeoutMs), 'a')
  })
}

for (const timeoutMs of [Number.POSITIVE_INFINITY, 2 ** 31]) {
  test(`Mailbox.receive(${timeoutMs}) does not end at once, as Node's timers would`, async () => {
    const mailbox = new Mailbox<string>()
    const received = mailbox.receive(timeoutMs)
    setTimeout(() => mailbox.send('a'), 5)
    assert.equal(await received, 'a')
  })
}

test('Mailbox.receive() leaves no timer behind', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
  const before = timers()
  const mailbox = new Mailbox<string>()
  const received = mailbox.receive(LONG_MS)
  assert.equal(timers(), before + 1)
  mailbox.send('a')
  await received
  assert.equal(timers(), before)
})
