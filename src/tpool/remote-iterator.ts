import type { Home } from './home.js'
import type { AnswerSource, Link } from './link.js'
import { CALL, type Pulled } from './messages.js'
import type { CallOptions } from './options.js'

/**
 * An iterator that stays in its thread. Nothing is taken from it before it is
 * asked for here, but for `readAhead` items. Leaving the loop early finishes it
 * there, `finally` blocks included; one that nobody holds any more is dropped.
 */
export function remoteIterator(link: Link, id: number, source: AnswerSource): AsyncGenerator<unknown, void, void> {
  const items = pullAll(link, id, source)
  abandoned.register(items, { id, home: source.home })
  return items
}

const abandoned = new FinalizationRegistry<{ readonly id: number; readonly home: Home }>(({ id, home }) => {
  if (home.lost === undefined) home.drop(id, Number.POSITIVE_INFINITY)
})

async function* pullAll(link: Link, target: number, { home: owner, options }: AnswerSource): AsyncGenerator<unknown, void, void> {
  const pull = { kind: CALL.pull, target, name: '', owner, statistics: link.statisticsOf('(next)') }
  const others: CallOptions = { ...options, transfer: undefined }
  let finished = false
  try {
    while (!finished) {
      const { items, done } = await link.call(pull, [(options.readAhead ?? 0) + 1], others).catch((error: unknown) => {
        finished = true // An iterator that has thrown is over.
        throw error
      }) as Pulled
      finished = done
      for (const item of items) yield link.revive(item, owner, others)
    }
  } finally {
    if (!finished && owner.lost === undefined) {
      await link.call({ ...pull, kind: CALL.finish, statistics: link.statisticsOf('(return)') }, [], {})
    }
  }
}
