import type { RouterConfig } from '../../router/config.ts';
import type { FakeInstance } from './fake-instance.ts';
import { MemoryEventLog } from './memory-event-log.ts';
import { MemoryQueues } from './memory-queues.ts';
import { startFleet, type TestFleet } from './router.ts';

/** A fleet whose message queues and log of events are in memory. */
interface MemoryFleet {
  fleet: TestFleet;
  instance: FakeInstance;
  queues: MemoryQueues;
  events: MemoryEventLog;
}

/** Starts one with one instance. */
export async function startMemoryFleet(
  sessions: readonly (readonly [workspace: number, session: string])[],
  changes: Partial<RouterConfig> = {},
): Promise<MemoryFleet> {
  const [queues, events] = [new MemoryQueues(), new MemoryEventLog()];
  const fleet = await startFleet(changes, { messaging: { queues, events } });
  try {
    const instance = await fleet.addInstance('instance-1', { capacity: 50 });
    for (const [workspace_id, session_id] of sessions)
      await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id, session_id } });
    return { fleet, instance, queues, events };
  } catch (error) {
    await fleet.close();
    throw error;
  }
}
