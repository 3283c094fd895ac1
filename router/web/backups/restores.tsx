import type { Restore } from '../../../fleet/backup/api.ts';
import { isoOfStamp } from '../../../fleet/stamps.ts';
import { Panel } from '../parts/panel.tsx';
import { Progress } from '../parts/progress.tsx';
import { StatusBadge } from '../parts/status-badge.tsx';
import { routeHash } from '../state/route.ts';
import { ago, dateTime } from '../state/text.ts';
import { isUnderWay, progressOf, whatText } from './restore-text.ts';

/** Restores that are listed. `wharf restores` shows all. */
const LISTED = 6;

/** The restores of late; each opens. */
export function Restores({ restores }: { restores: readonly Restore[] }) {
  return (
    <Panel name="restores" title="Restores">
      <ul class="entries">
        {restores.slice(0, LISTED).map((restore) => (
          <Entry key={restore.id} restore={restore} />
        ))}
      </ul>
    </Panel>
  );
}

function Entry({ restore }: { restore: Restore }) {
  const { done, total } = progressOf(restore);
  return (
    <li>
      <p class="entry-head">
        <a class="name" href={routeHash('backups', [restore.id ?? ''])}>
          Restore of {whatText(restore)}
        </a>{' '}
        <StatusBadge status={restore.state} />
        {isUnderWay(restore) && <Progress label="Sessions restored" done={done} total={total} />}
        <span class="below">{ago(restore.started_at)}</span>
      </p>
      <p class="below">
        From the backup of {dateTime(isoOfStamp(restore.backup))}; {done} of {total} sessions
      </p>
    </li>
  );
}
