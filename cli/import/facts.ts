import { sessionDetailSchema } from '../../fleet/records.ts';
import type { RouterClient } from '../client.ts';
import { CommandFailure } from '../failure.ts';
import { fleetSchema } from '../fleet-view.ts';
import { sessionRequest } from '../sessions.ts';
import { findOpenFiles, findUse, type Use } from './in-use.ts';
import type { Mapped } from './mapping.ts';
import { type PlanFacts, targetsOf } from './plan.ts';
import type { FoundProfile } from './profiles.ts';
import type { ImportState } from './state-file.ts';

/** What is asked for, and where to look. */
export interface FactsTask {
  profiles: readonly FoundProfile[];
  mapping: readonly Mapped[] | { workspace: string };
  router: Pick<RouterClient, 'ask'>;
  state: ImportState;
  stopped: boolean;
  replace: boolean;
}

/**
 * Looks up what the plan is made from: on this machine, and in the fleet.
 *
 * @returns beside it, how many processes of other users hold files that cannot be seen
 * @throws CommandFailure as the router's client; `invalid_mapping`
 */
export async function findFacts(task: FactsTask): Promise<{ facts: PlanFacts; unseen: number }> {
  const { profiles, mapping, router, state, stopped, replace } = task;
  const open = await findOpenFiles();
  const uses = new Map<string, Use>();
  for (const { directory } of profiles) {
    const use = await findUse(directory, open);
    if (use !== null) uses.set(directory, use);
  }
  const fleet = await router.ask(fleetSchema, { method: 'GET', path: '/api/fleet' });
  const chromium = fleet.instances.flatMap((instance) =>
    instance.chromium !== undefined && instance.lease !== 'gone' ? [instance.chromium] : [],
  );
  const present = new Map<string, string>();
  for (const { workspace, session } of targetsOf({ profiles, mapping }).values()) {
    const status = await statusOf(router, workspace, session);
    if (status !== null) present.set(`${workspace}/${session}`, status);
  }
  const imported = state.keys('imported');
  const ordered = state.keys('ordered');
  return {
    facts: { profiles, mapping, uses, stopped, imported, ordered, present, replace, chromium },
    unseen: open.unseen,
  };
}

/** The status of a session; null: there is none, or its id is none. */
async function statusOf(
  router: Pick<RouterClient, 'ask'>,
  workspace: string,
  session: string,
): Promise<string | null> {
  try {
    return (await router.ask(sessionDetailSchema, sessionRequest('GET', session, { workspace }))).status;
  } catch (error) {
    if (error instanceof CommandFailure && ['session_not_found', 'invalid_request'].includes(error.code))
      return null;
    throw error;
  }
}
