/**
 * A rolling reload as a pure function: which slot is being replaced, which come
 * after it, and whether another reload was asked for meanwhile.
 *
 * One slot after the other, new first: the successor must be ready before the
 * old process is told to stop, so that there are never fewer ready workers than
 * before. A successor that does not become ready ends the reload; every process
 * that was not yet replaced goes on. One reload at a time: requests that come
 * during it are one further reload after it.
 */
export type ReloadState =
  | { readonly name: 'idle' }
  /** `slot` has a successor that is starting; `rest` are still to be replaced. */
  | { readonly name: 'rolling'; readonly slot: SlotKey; readonly rest: readonly SlotKey[]; readonly again: boolean }
  /** Every slot has its new process; old ones are still answering their last requests. */
  | { readonly name: 'draining'; readonly again: boolean }

/** Names a slot within the launcher: `service/workerId`. */
export type SlotKey = string

export type ReloadEvent =
  | { readonly type: 'requested'; readonly slots: readonly SlotKey[] }
  | { readonly type: 'successor ready'; readonly slot: SlotKey }
  | { readonly type: 'successor failed'; readonly slot: SlotKey }
  /** The slot has gone: the launcher was told to have fewer. */
  | { readonly type: 'slot gone'; readonly slot: SlotKey }
  | { readonly type: 'old ones gone' }

export type ReloadEffect =
  | { readonly do: 'start successor'; readonly slot: SlotKey }
  | { readonly do: 'finish'; readonly ok: boolean; readonly again: boolean }

export interface ReloadStep {
  readonly state: ReloadState
  readonly effects: readonly ReloadEffect[]
}

export function stepReload(state: ReloadState, event: ReloadEvent): ReloadStep {
  switch (state.name) {
    case 'idle': return whenIdle(event)
    case 'rolling': return whenRolling(state, event)
    case 'draining': return whenDraining(state, event)
  }
}

function whenIdle(event: ReloadEvent): ReloadStep {
  return event.type === 'requested' ? next(event.slots, false) : { state: { name: 'idle' }, effects: [] }
}

function whenRolling(state: Extract<ReloadState, { name: 'rolling' }>, event: ReloadEvent): ReloadStep {
  if (event.type === 'requested') return { state: { ...state, again: true }, effects: [] }
  if (event.type === 'slot gone') {
    if (event.slot === state.slot) return next(state.rest, state.again)
    return { state: { ...state, rest: state.rest.filter((slot) => slot !== event.slot) }, effects: [] }
  }
  if (event.type === 'old ones gone' || event.slot !== state.slot) return { state, effects: [] }
  return event.type === 'successor ready' ? next(state.rest, state.again) : finish(false, state.again)
}

function whenDraining(state: Extract<ReloadState, { name: 'draining' }>, event: ReloadEvent): ReloadStep {
  if (event.type === 'requested') return { state: { ...state, again: true }, effects: [] }
  return event.type === 'old ones gone' ? finish(true, state.again) : { state, effects: [] }
}

function next(slots: readonly SlotKey[], again: boolean): ReloadStep {
  const [slot, ...rest] = slots
  if (slot === undefined) return { state: { name: 'draining', again }, effects: [] }
  return { state: { name: 'rolling', slot, rest, again }, effects: [{ do: 'start successor', slot }] }
}

function finish(ok: boolean, again: boolean): ReloadStep {
  return { state: { name: 'idle' }, effects: [{ do: 'finish', ok, again }] }
}
