import { createHash } from 'node:crypto';

/** How a workspace finds its home: the documents' modulo, or a hash also for numbers. */
export type ShardStrategy = 'workspace_modulo' | 'workspace_hash';

/** The id of the instance with a number, counted from 1: `instance-1`. */
export function instanceId(number: number): string {
  return `instance-${number}`;
}

/**
 * The instance that is a workspace's home.
 *
 * @param workspace canonical workspace id
 * @param count the configured number of instances, at least 1
 * @returns `instance-{n}`, n from 1 to count: `workspace_id % count + 1` for numbers under `workspace_modulo`,
 *   the first 48 bits of the id's SHA-256 modulo count otherwise
 */
export function homeOf(
  workspace: string,
  count: number,
  strategy: ShardStrategy = 'workspace_modulo',
): string {
  const isNumber = /^\d+$/.test(workspace);
  const number =
    isNumber && strategy === 'workspace_modulo'
      ? Number(workspace)
      : createHash('sha256').update(workspace).digest().readUIntBE(0, 6);
  return instanceId((number % count) + 1);
}

/** What placement needs to know of an instance. */
export interface InstanceRoom {
  id: string;
  /** Sessions it runs or keeps a place for. */
  sessions: number;
  capacity: number;
  /** False for an instance that is draining or not answering. */
  accepting: boolean;
}

/**
 * Where a workspace without an assignment goes: home if it accepts and has room, else the accepting instance with the most free places
 * (the lowest id among equals), else nowhere.
 */
export function placeWorkspace(home: string, instances: readonly InstanceRoom[]): string | undefined {
  const free = (instance: InstanceRoom) => instance.capacity - instance.sessions;
  const open = instances.filter((instance) => instance.accepting && free(instance) > 0);
  if (open.some((instance) => instance.id === home)) return home;
  const [best] = [...open].sort(
    (a, b) => free(b) - free(a) || a.id.localeCompare(b.id, 'en', { numeric: true }),
  );
  return best?.id;
}
