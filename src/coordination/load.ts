import { createRequire } from 'node:module'

type Processes = typeof import('./processes.js')

/** With what only the worker may ask of it. */
export type WorkerCoordinator = ReturnType<Processes['createCoordinator']>

let loaded: Processes | undefined

/**
 * Loads what processes.ts exports, at once: a context's members are made when they
 * are first asked for, and that is no moment to wait. It takes some 10 ms.
 */
export function loadCoordination(): Processes {
  loaded ??= createRequire(import.meta.url)('../boot/coordination.cjs') as Processes
  return loaded
}
