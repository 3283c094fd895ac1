import { open, readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemCode } from '../../../common/errors.ts';
import { FileClaims } from '../../../fleet/file-claims.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';

/** Ways to look for the next claim: by its name, in the directory's list, both (as the rules say), and by what instances ask. */
export type Look = 'open' | 'list' | 'open and list' | 'highest()';

export interface LookCall {
  sessions: string;
  workspaces: string[];
  /** The claim that is looked for. */
  epoch: number;
  how: Look;
  /** Between two rounds, milliseconds. */
  pause: number;
}

/** What is told while looking: that every name was looked for once, and each workspace whose claim was seen. */
export interface LookEvent {
  swept?: true;
  seen?: string;
}

let stopped = false;

/** Ends {@link look}. */
export async function stopLooking(): Promise<void> {
  stopped = true;
}

export interface Looked {
  /** How long each look took, milliseconds. */
  took: number[];
  /** When the last look at a workspace that did not show its claim was begun, by {@link guestClock}. */
  missed: Record<string, number>;
}

/** This machine's monotonic clock, milliseconds. */
export async function guestClock(): Promise<number> {
  return performance.now();
}

/** Looks for the next claim of many workspaces, again and again, until each was seen. */
export async function look(call: LookCall, emit: (event: LookEvent) => void): Promise<Looked> {
  const paths = new SessionPaths(call.sessions);
  const claims = new FileClaims(paths);
  const ways: Record<Look, (workspace: string) => Promise<boolean>> = {
    open: (workspace) => opens(paths.claim(workspace, call.epoch)),
    list: (workspace) => lists(paths.owners(workspace), call.epoch),
    'open and list': async (workspace) => {
      const opened = await opens(paths.claim(workspace, call.epoch));
      return (await lists(paths.owners(workspace), call.epoch)) || opened;
    },
    'highest()': async (workspace) => ((await claims.highest(workspace))?.epoch ?? 0) >= call.epoch,
  };
  const took: number[] = [];
  const missed: Record<string, number> = {};
  const left = new Set(call.workspaces);
  stopped = false;
  for (let round = 0; left.size > 0 && !stopped; round += 1) {
    for (const workspace of left) {
      const started = performance.now();
      const seen = await ways[call.how](workspace);
      took.push(performance.now() - started);
      if (!seen) {
        missed[workspace] = started;
        continue;
      }
      left.delete(workspace);
      emit({ seen: workspace });
    }
    if (round === 0) emit({ swept: true });
    await sleep(call.pause);
  }
  return { took, missed };
}

async function opens(path: string): Promise<boolean> {
  try {
    await (await open(path, 'r')).close();
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

async function lists(directory: string, epoch: number): Promise<boolean> {
  return (await readdir(directory)).includes(String(epoch));
}
