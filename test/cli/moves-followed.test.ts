import { describe, expect, it } from 'vitest';
import type { RouterClient } from '../../cli/client.ts';
import { CommandContext } from '../../cli/context.ts';
import { followMoves, type MoveView } from '../../cli/operations/moves.ts';
import { Progress } from '../../cli/operations/progress.ts';

const FULL = 'no instance takes it now (full)';

function move(id: string, changes: Partial<MoveView> = {}): MoveView {
  return {
    id,
    workspace_id: id,
    from: 'instance-1',
    to: null,
    reason: 'drain',
    state: 'queued',
    requested_at: '2026-11-22T00:00:00.000Z',
    started_at: null,
    ended_at: null,
    error: null,
    ...changes,
  };
}

/** Follows two moves at a router that lists them so, one list after the other, the last again and again. */
async function follow(...lists: MoveView[][]) {
  let asked = 0;
  const router = {
    ask: async () => {
      asked += 1;
      return { moves: lists[Math.min(asked, lists.length) - 1] };
    },
  } as unknown as RouterClient;
  const told: string[] = [];
  const { signal } = new AbortController();
  const terminal = { env: {}, err: (text: string) => told.push(text), interactive: false, color: false };
  const context = new CommandContext({ ...terminal, signal } as unknown as CommandContext['terminal']);
  const moves = [move('7'), move('8')];
  const followed = followMoves(router, signal, moves, new Progress(context, false), { still: 600 });
  const ended = await followed.catch((error: unknown) => error);
  return { ended, told, asked };
}

describe('moves that are followed', () => {
  it('and wait for what does not come are given up, with the why, which is shown before', async () => {
    const stuck = [move('7', { error: FULL }), move('8', { error: FULL })];
    // Others come and go: these two do not.
    const { ended, told } = await follow(
      stuck,
      [...stuck, move('9')],
      [...stuck, move('9', { state: 'done' })],
    );
    expect(told).toContain(`0/2 moved, 2 waiting: ${FULL}\n`);
    expect(ended).toMatchObject({
      code: 'stalled',
      message: expect.stringMatching(/2 moves left:\n {2}no inst.*full\)\n/),
    });
  });

  it('are followed on while those before them move', async () => {
    const mine = [move('7'), move('8')];
    const others = ['queued', 'closing', 'adopting', 'done'].map((state) => [...mine, move('9', { state })]);
    const done = mine.map((each) => ({ ...each, state: 'done' }));
    expect((await follow(...others, done)).ended).toEqual(done);
  });
});
