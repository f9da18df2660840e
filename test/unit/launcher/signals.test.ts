import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { InterruptCounter, listenForSignals, SIGNALS, type LauncherSignal } from '#src/launcher/signals.js'

test('listenForSignals() hands on each signal, and nothing once it has ended', async (context) => {
  // A handler of a signal keeps no process alive.
  const alive = setInterval(() => {}, 60_000)
  context.after(() => clearInterval(alive))
  const before = SIGNALS.map((signal) => process.listenerCount(signal))
  const got: LauncherSignal[] = []
  const end = listenForSignals((signal) => got.push(signal))
  for (const signal of SIGNALS) {
    const arrived = once(process, signal)
    process.kill(process.pid, signal)
    await arrived
  }
  end()
  assert.deepEqual(got, [...SIGNALS])
  assert.deepEqual(SIGNALS.map((signal) => process.listenerCount(signal)), before)
})

const pressed: readonly (readonly [string, readonly number[], readonly string[]])[] = [
  ['one', [0], ['first']],
  ['a second one later', [0, 500], ['first', 'again']],
  ["npm's, a millisecond later", [7_000, 7_001], ['first', 'echo']],
  ['an echo, and a second one', [0, 1, 900, 901], ['first', 'echo', 'again', 'again']],
  ['many within the time of an echo', [0, 100, 200, 300, 499], ['first', 'echo', 'echo', 'echo', 'echo']],
]

for (const [what, times, meanings] of pressed) {
  test(`InterruptCounter.press(): ${what}`, () => {
    const counter = new InterruptCounter()
    assert.deepEqual(times.map((now) => counter.press(now)), meanings)
  })
}
