import { describe, expect, it } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { moveOf, routerNote } from '../../helpers/fleet-values.ts';
import { type CoordinationScene, TTL, TWENTY } from './scene.ts';

/** What routers share: who leads, the moves they drive, and how they make an instance look. */
export function testsRouters(scene: CoordinationScene): void {
  describe('routers', () => {
    it('have one leader, which stays until it resigns or is not heard of', async () => {
      const led = await Promise.all(TWENTY.map((router) => scene.fleet.lead(router, TTL)));
      const leader = led[0]?.leader ?? '';
      expect(new Set(led.map((one) => one.leader))).toEqual(new Set([leader]));
      await scene.fleet.resign('another');
      expect((await scene.fleet.lead('another', TTL)).leader).toBe(leader);
      await scene.fleet.resign(leader);
      expect((await scene.fleet.lead('another', TTL)).leader).toBe('another');
      await scene.harness.runOut('leader');
      expect((await scene.fleet.lead('third', TTL)).leader).toBe('third');
      expect((await scene.fleet.lead('third', TTL)).leader).toBe('third');
    });

    it('tell of themselves for a time', async () => {
      await scene.fleet.noteRouter(routerNote('router-1'), TTL);
      await scene.fleet.noteRouter(routerNote('router-2'), TTL);
      await scene.fleet.noteRouter(routerNote('router-3'), TTL);
      await scene.fleet.noteRouter(routerNote('router-2', { instance_count: 5 }), TTL);
      const notes = async () => (await scene.fleet.routers()).sort((a, b) => (a.router < b.router ? -1 : 1));
      const second = routerNote('router-2', { instance_count: 5 });
      expect(await notes()).toEqual([routerNote('router-1'), second, routerNote('router-3')]);
      await scene.harness.runOut({ router: 'router-1' });
      expect(await notes()).toEqual([second, routerNote('router-3')]);
      await scene.fleet.forgetRouter('router-3');
      await scene.fleet.forgetRouter('router-9');
      expect(await notes()).toEqual([second]);
    });
  });

  describe('moves', () => {
    it('are told by age, each as it was saved last', async () => {
      await scene.fleet.saveMove(moveOf('m2'), null);
      await scene.fleet.saveMove(moveOf('m1'), null);
      const closing = moveOf('m1', { state: 'closing', from_epoch: 3 });
      await scene.fleet.saveMove(closing, 'queued');
      expect(await scene.fleet.moves()).toEqual([closing, moveOf('m2')]);
    });

    it('are as who wrote first made them: whoever knows an older state writes nothing', async () => {
      const takenBack = moveOf('m1', { state: 'failed', error: 'taken back' });
      expect(await scene.fleet.saveMove(takenBack, 'queued')).toBe(false);
      expect(await scene.fleet.saveMove(moveOf('m1'), null)).toBe(true);
      expect(await scene.fleet.saveMove(moveOf('m1', { error: 'again' }), null)).toBe(false);
      expect(await scene.fleet.saveMove(moveOf('m1', { error: 'it waits' }), 'queued')).toBe(true);
      expect(await scene.fleet.saveMove(takenBack, 'queued')).toBe(true);
      for (const state of ['queued', 'closing'] as const)
        expect(await scene.fleet.saveMove(moveOf('m1', { state }), 'queued')).toBe(false);
      expect(await scene.fleet.moves()).toEqual([takenBack]);
    });

    it('that run are all kept, and of those that ended the last hundred', async () => {
      const id = (number: number) => `m${String(number).padStart(3, '0')}`;
      for (let number = 0; number < 105; number += 1) {
        await scene.fleet.saveMove(moveOf(id(number)), null);
        await scene.fleet.saveMove(moveOf(`${id(number)}-runs`), null);
      }
      // Neither the order of their ids nor that one is saved again says which ended last.
      for (let number = 104; number >= 0; number -= 1) {
        const state = number % 2 === 0 ? 'done' : 'failed';
        await scene.fleet.saveMove(moveOf(id(number), { state }), 'queued');
        if (number === 104) await scene.fleet.saveMove(moveOf(id(number), { state, error: 'x' }), state);
      }
      const kept = await scene.fleet.moves();
      expect(kept.filter(({ state }) => state === 'queued')).toHaveLength(105);
      const ended = kept.filter(({ state }) => state !== 'queued').map((move) => move.id);
      expect(ended).toEqual(Array.from({ length: 100 }, (_, number) => id(number)));
    });
  });

  describe('pokes', () => {
    it('reach those who listen for the instance, until they close', async () => {
      const heard: string[] = [];
      const closeFirst = await scene.fleet.onPoke('instance-1', () => heard.push('first'));
      const closeSecond = await scene.fleet.onPoke('instance-1', () => heard.push('second'));
      const closeOther = await scene.fleet.onPoke('instance-2', () => heard.push('other'));
      await scene.fleet.poke('instance-1');
      await eventually(() => heard.length === 2);
      expect([...heard].sort()).toEqual(['first', 'second']);
      await closeFirst();
      await scene.fleet.poke('instance-1');
      await eventually(() => heard.length > 2);
      expect(heard[2]).toBe('second');
      await scene.fleet.poke('instance-2');
      await eventually(() => heard.includes('other'));
      expect(heard.filter((name) => name === 'first')).toHaveLength(1);
      await closeSecond();
      await closeOther();
    });
  });
}
