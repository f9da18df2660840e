import { Coordinator, type CoordinatorSettings } from './coordinator.js'
import { HostCoordination, type HostCoordinationOptions } from './host/host-coordination.js'
import { openStore, type OpenOptions } from './open-store.js'
import type { CoordinationStore } from './store.js'

/**
 * What the command, launcher and worker have of coordination. It is bundled into a file of its
 * own (see load.ts), so that a worker which coordinates nothing does not load it.
 */
export function createHostCoordination(options: HostCoordinationOptions): HostCoordination {
  return new HostCoordination(options)
}

/** For operators. @throws as `openStore` */
export function openStoreAt(url: string, options: OpenOptions): Promise<CoordinationStore> {
  return openStore(url, options)
}

export function createCoordinator(settings: CoordinatorSettings): Coordinator {
  return new Coordinator(settings)
}
