/** `reeve/coordination`: locks with fences, leaders, groups, rings, service records. */
export type {
  AcquireOptions, Capabilities, CoordinationLog, Coordinator, CoordinatorOptions, CoordinatorStatus, Election, Group, GroupChange, GroupMember, GroupOptions,
  HashRing, HeldLock, HeldLockEvent, HolderView, Leader, Leadership, Lock, LockOptions, LockView, ReadWriteLock, RingChange, Semaphore, ServiceRecord, ServiceRecords, ShardOwner,
} from './contract.js'
export type { CoordinationErrorCode } from './errors.js'
export { getCoordinator } from './get-coordinator.js'
