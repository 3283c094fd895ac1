import { hostname } from 'node:os';
import { FileClaims } from '../../../fleet/file-claims.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';

/** A claim to make: of which workspace, at which epoch, for whom. */
export interface ClaimCall {
  /** The session path. */
  sessions: string;
  workspace: string;
  epoch: number;
  instance: string;
}

/** Claims as an instance does. Answers whether it won, and how long that took, milliseconds. */
export async function claim(call: ClaimCall): Promise<{ won: boolean; took: number }> {
  const claims = new FileClaims(new SessionPaths(call.sessions));
  const started = performance.now();
  const won = await claims.create({
    workspace_id: call.workspace,
    epoch: call.epoch,
    instance: call.instance,
    incarnation: `${call.instance}-1`,
    host: hostname(),
    claimed_at: new Date().toISOString(),
  });
  return { won, took: performance.now() - started };
}

/** The highest claim as an instance sees it: its epoch and who made it; nulls where there is none. */
export async function highest(call: {
  sessions: string;
  workspace: string;
}): Promise<{ epoch: number | null; instance: string | null }> {
  const found = await new FileClaims(new SessionPaths(call.sessions)).highest(call.workspace);
  return { epoch: found?.epoch ?? null, instance: found?.claim?.instance ?? null };
}
