import { mkdir, readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { trashEntryName } from '../../../fleet/session-paths.ts';
import { SUPERSEDED_KEPT } from '../../../instance/profile/tidy-plan.ts';
import { CHROMIUM, NOW, ProfileBench } from './profile-files.ts';

describe('tidying the generations of a session', () => {
  it('leaves the one before until the new one was ready twice and is a day old, and then moves it to the trash', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(3);
    await bench.adopt(3, 5);
    const tidy = () => bench.store.tidy(bench.name(5), bench.trash);
    const restart = async () => {
      await bench.store.open(bench.name(5), CHROMIUM);
      await bench.store.markReady(bench.name(5));
    };
    await restart();
    bench.clock.time += 2 * SUPERSEDED_KEPT;
    expect(await tidy()).toEqual({ trashed: [], removed: [], unfinished: [] });
    await restart();
    expect(await tidy()).toMatchObject({ trashed: [{ what: 3 }], removed: [] });
    expect(await bench.store.generations('7', 'main')).toEqual([5]);
    expect(await readdir(bench.paths.trash('7'))).toEqual(['20261124T103000000Z.session_main.gen-3']);
  });

  it('removes what was broken off, but not what somebody may be making now', async () => {
    const bench = await ProfileBench.make();
    await bench.ran(5);
    for (const generation of [4, 6]) await mkdir(bench.paths.generationInMaking(bench.name(generation)));
    expect(await bench.store.tidy(bench.name(5), bench.trash)).toMatchObject({ unfinished: [4] });
    expect((await readdir(bench.paths.session('7', 'main'))).sort()).toEqual(['gen-5', 'gen-6.making']);
  });

  it("keeps the trash within its limits, and leaves other sessions' and deleted ones alone", async () => {
    const bench = await ProfileBench.make();
    await bench.ran(9);
    const entries = [
      ...[1, 2, 3, 4, 5, 6, 7].map((generation) => ({ time: NOW + generation, session: 'main', generation })),
      { time: NOW, session: 'main', generation: null },
      { time: NOW, session: 'other', generation: 1 },
    ];
    for (const entry of entries) await mkdir(bench.paths.trashEntry('7', entry), { recursive: true });
    const { removed } = await bench.store.tidy(bench.name(9), bench.trash);
    expect(removed.map(({ what }) => what)).toEqual(
      [2, 1].map((generation) => trashEntryName({ time: NOW + generation, session: 'main', generation })),
    );
    expect(await readdir(bench.paths.trash('7'))).toHaveLength(7);
  });

  it('does nothing for a session that has nothing', async () => {
    const bench = await ProfileBench.make();
    expect(await bench.store.tidy(bench.name(1), bench.trash)).toEqual({
      trashed: [],
      removed: [],
      unfinished: [],
    });
  });
});
