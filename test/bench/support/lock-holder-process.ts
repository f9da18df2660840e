/** A process that holds a lock, or waits for one, and tells its parent (lock-loss.ts) when what happened. */
import { holderLibrary, type Held, type WaitOptions } from './lock-holder.js'

export type HolderTask =
  | { readonly kind: 'load'; readonly library: string }
  | { readonly kind: 'hold'; readonly library: string; readonly redisOptions: object; readonly options: WaitOptions }
  | { readonly kind: 'wait'; readonly library: string; readonly options: WaitOptions }
  /** Runs without a turn of the event loop until it has been stopped for longer than `pauseMs` and goes on. */
  | { readonly kind: 'spin'; readonly pauseMs: number }

/** `at`: `process.hrtime.bigint()` as text. */
export interface HolderEvent {
  readonly kind: 'loaded' | 'held' | 'got' | 'spinning' | 'woke' | 'told' | 'rejection' | 'failed'
  readonly at: string
  /** `woke`: whether the library said, in the first statement, that the lock is held; `failed`: why. */
  readonly says?: boolean
  readonly why?: string
}

let held: Held | undefined

process.on('message', (task: HolderTask) => {
  perform(task).catch((error: unknown) => tell('failed', { why: String(error) }))
})
process.on('disconnect', () => process.exit())
// By default it would end the process: counted instead, to see what else the library does.
process.on('unhandledRejection', () => tell('rejection'))

async function perform(task: HolderTask): Promise<void> {
  if (task.kind === 'spin') return spin(task.pauseMs)
  const library = await holderLibrary(task.library)
  if (task.kind === 'load') return tell('loaded')
  if (task.kind === 'wait') {
    await library.wait(task.options)
    return tell('got')
  }
  held = await library.hold({ ...task.options, redisOptions: task.redisOptions, told: () => tell('told') })
  tell('held')
}

function spin(pauseMs: number): void {
  // Before it is said: the stop may come while it is being said.
  let last = process.hrtime.bigint()
  tell('spinning')
  for (;;) {
    const now = process.hrtime.bigint()
    if (now - last > BigInt(pauseMs) * 1_000_000n) break
    last = now
  }
  const says = held?.isHeld()
  tell('woke', { says: says === true })
}

function tell(kind: HolderEvent['kind'], more: Partial<HolderEvent> = {}): void {
  process.send?.({ kind, at: String(process.hrtime.bigint()), ...more } satisfies HolderEvent)
}
