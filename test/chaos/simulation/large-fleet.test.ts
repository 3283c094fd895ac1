import { describe, expect, it } from 'vitest';
import { die, freeze, redisAway, scaleOut } from './large-fleet.ts';

const SEED = 1;
const WORKSPACES = 240;
const HOME = WORKSPACES / 8;

describe('a large fleet in simulation', () => {
  it.each([1, 2])(
    'takes over what %i dead instances had, and nothing else',
    async (dead) => {
      const scene = await die(SEED, WORKSPACES, dead);
      expect(scene).toMatchObject({ violations: [], moved: dead * HOME, needless: 0, down: 0 });
    },
    300_000,
  );

  it('freezes when more instances die than may be taken over, and goes on when they are back', async () => {
    const scene = await freeze(SEED, WORKSPACES, 5);
    expect(scene).toMatchObject({ violations: [], moved: 2 * HOME, needless: 0, down: 0 });
    expect(scene.note).toBe(`frozen: yes; ${3 * HOME} waited until the instances were back`);
  }, 300_000);

  it('moves nothing and stops nothing while Redis is away for ten minutes', async () => {
    const scene = await redisAway(SEED, WORKSPACES);
    expect(scene).toMatchObject({ violations: [], moved: 0, gaps: [], down: 0 });
  }, 300_000);

  it('moves exactly what has another home when it grows from 8 to 9, and only when asked to', async () => {
    const scene = await scaleOut(SEED, WORKSPACES);
    expect(scene).toMatchObject({ violations: [], needless: 0, down: 0 });
    expect(scene.note).toBe(`home changed for ${scene.moved}; at home now: ${WORKSPACES}`);
  }, 300_000);
});
