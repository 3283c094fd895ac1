import { DamageReports } from '../../backup/verify/damage-reports.ts';
import type { EventData } from '../../fleet/events/event.ts';

/** Reports of damage, and what came of them. */
export function toldDamage() {
  const told = {
    events: [] as EventData<'backup.damaged'>[],
    distrusted: [] as string[],
    counted: 0,
  };
  const damage = new DamageReports({
    events: {
      tell: async (_type, _nature, data) => {
        told.events.push(data as EventData<'backup.damaged'>);
      },
    },
    metrics: {
      damaged: (count = 1) => {
        told.counted += count;
      },
    },
    distrusted: { add: (sha256) => told.distrusted.push(sha256) },
  });
  return { damage, told };
}
