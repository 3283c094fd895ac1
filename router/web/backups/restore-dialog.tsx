import { useState } from 'preact/hooks';
import type { Restore } from '../../../fleet/backup/api.ts';
import type { RestoreWish } from '../api/types.ts';
import { Dialog } from '../parts/dialog.tsx';
import type { DialogProps, RestoreSubject } from '../shell/dialog-state.ts';
import { useWork } from '../state/use-work.ts';
import { RestoreForm } from './restore-form.tsx';
import { RestorePlan } from './restore-plan.tsx';
import { whatText } from './restore-text.ts';

/** Milliseconds a dry run may take: the service reads manifests in a bucket for it. */
const PATIENCE = 120_000;

/** Asks what to restore and as of when, shows what that would change, and begins it after a yes. */
export function RestoreDialog({ api, subject, onState, onDone }: DialogProps & { subject: RestoreSubject }) {
  const [planned, setPlanned] = useState<{ wish: RestoreWish; plan: Restore } | null>(null);
  const { busy, error, work } = useWork();
  const look = (wish: RestoreWish) =>
    work(async () => setPlanned({ wish, plan: await api.backups.plan(wish, AbortSignal.timeout(PATIENCE)) }));
  const begin = () =>
    work(async () => {
      if (planned === null) return;
      // What was looked at is what is restored, even if a newer backup was made meanwhile.
      const restore = await api.backups.restore({ ...planned.wish, at: planned.plan.backup });
      onDone(`The restore of ${whatText(restore)} has begun.`);
      onState(restore.id === null ? null : { kind: 'restoring', id: restore.id });
    });
  return (
    <Dialog
      title={planned === null ? 'Restore' : `Restore ${whatText(planned.plan)}?`}
      onClose={() => onState(null)}
      wide
    >
      {planned === null && (
        <RestoreForm
          api={api}
          subject={subject}
          busy={busy}
          error={error}
          onLook={look}
          onCancel={() => onState(null)}
        />
      )}
      {planned !== null && (
        <RestorePlan
          plan={planned.plan}
          isForced={planned.wish.force}
          busy={busy}
          error={error}
          onForce={(force) => look({ ...planned.wish, at: planned.plan.backup, force })}
          onBack={() => setPlanned(null)}
          onBegin={begin}
        />
      )}
    </Dialog>
  );
}
