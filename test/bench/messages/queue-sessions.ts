import type { SessionKey } from '../../../fleet/queue/message-ids.ts';

/**
 * The sessions of one owner, spread evenly over its workspaces.
 *
 * @param owner which of the owners, from 0
 */
export function benchSessions(owner: number, sessions: number, workspaces: number): SessionKey[] {
  return Array.from({ length: sessions }, (_, index) => ({
    workspace: `${1000 * (owner + 1) + (index % workspaces)}`,
    session: `s${index}`,
  }));
}
