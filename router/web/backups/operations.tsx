import type { Operation } from '../../../fleet/backup/api.ts';
import { Panel } from '../parts/panel.tsx';
import { StatusBadge } from '../parts/status-badge.tsx';
import { ago, bytes, count, duration } from '../state/text.ts';

/** Operations that are listed. `wharf backup operations` shows all. */
const LISTED = 10;

/** Findings of one that are listed. */
const FINDINGS = 20;

const KINDS: Readonly<Record<Operation['kind'], string>> = {
  run: 'Backup',
  verify: 'Verification',
  prune: 'Pruning',
};

const UNITS: Readonly<Record<Operation['kind'], string>> = {
  run: 'session',
  verify: 'object',
  prune: 'object',
};

/** What the backup service did of late, and what it found. */
export function Operations({ operations }: { operations: readonly Operation[] }) {
  return (
    <Panel name="operations" title="What the service did">
      {operations.length === 0 && <p class="loading">Nothing since it started.</p>}
      {operations.length > 0 && (
        <ul class="entries">
          {operations.slice(0, LISTED).map((operation) => (
            <Entry key={operation.id} operation={operation} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Entry({ operation }: { operation: Operation }) {
  const { kind, state, started_at, ended_at, done, failed, error, findings } = operation;
  const took = ended_at === null ? null : (Date.parse(ended_at) - Date.parse(started_at)) / 1000;
  return (
    <li>
      <p class="entry-head">
        <b>{KINDS[kind]}</b> <StatusBadge status={state} />
        <span class="below">
          {ago(started_at)}
          {took !== null && `, took ${duration(took)}`}
        </span>
      </p>
      <p class="below">
        {count(done, UNITS[kind])}
        {failed > 0 && `, ${failed} failed`}, {bytes(operation.bytes)}{' '}
        {kind === 'run' ? 'sent' : kind === 'verify' ? 'read' : 'removed'}
      </p>
      {error !== null && <p class="below below-bad">{error}</p>}
      {findings.length > 0 && (
        <details>
          <summary>{count(findings.length, 'finding')}</summary>
          <ul>
            {findings.slice(0, FINDINGS).map((finding) => (
              <li key={finding}>{finding}</li>
            ))}
            {findings.length > FINDINGS && <li>and {findings.length - FINDINGS} more</li>}
          </ul>
        </details>
      )}
    </li>
  );
}
