/** `reeve/coordination`: locks with fences, leaders, groups, rings, service records. */
export type {
  AcquireOptions, Capabilities, CoordinationLog, Coordinator, CoordinatorOptions, CoordinatorStatus, Election, Group, GroupChange, GroupMember, GroupOptions,
  HashRing, HeldLock, HeldLockEvent, HolderView, Leader, Leadership, Lock, LockOptions, LockView, ReadWriteLock, RingChange, Semaphore, ServiceRecord, ServiceRecords, ShardOwner,
} from './contract.js'
export type { CoordinationErrorCode } from './errors.js'
export { getCoordinator } from './get-coordinator.js'
export { guardedWriteFile, newestFence } from './fence/file-guard.js'
export { createFenceGuard, fenceHeaders, FENCING_TOKEN_HEADER } from './fence/http-guard.js'
export { guardedEval, guardedSet, redisFenceStore } from './fence/redis-guard.js'
export { addFenceColumn, assertFenced, fencedUpdate } from './fence/sql.js'
export type { FenceStore } from './fence/fence-store.js'
