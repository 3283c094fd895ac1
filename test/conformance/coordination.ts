import { describe } from 'vitest';
import { testsAssignments } from './coordination/assignments.ts';
import { testsChangesOfOwner } from './coordination/changes-of-owner.ts';
import { testsLeases } from './coordination/leases.ts';
import { testsRouters } from './coordination/routers.ts';
import { type CoordinationHarness, useCoordination } from './coordination/scene.ts';

/** What every coordination does (`fleet/coordination.ts`). */
export function testsCoordination(name: string, start: () => Promise<CoordinationHarness>): void {
  describe(`coordination ${name}`, () => {
    const scene = useCoordination(start);
    testsLeases(scene);
    testsAssignments(scene);
    testsChangesOfOwner(scene);
    testsRouters(scene);
  });
}
