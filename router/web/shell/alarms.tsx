import type { Operation } from '../api/fleet-api.ts';
import { Icon } from '../parts/icon.tsx';
import { Prose } from '../parts/prose.tsx';
import type { Alarm } from '../state/alarms.ts';

/** What somebody should look at, above everything else; nothing where all is well. Read out when one comes, and not each time its text changes. */
export function Alarms({
  alarms,
  onOperate,
}: {
  alarms: readonly Alarm[];
  onOperate: (operation: Operation) => void;
}) {
  return (
    <section class="alarms" aria-label="Alarms">
      <p class="visually-hidden" role="status">
        {alarms.map(({ title }) => title).join('. ')}
      </p>
      {alarms.map((alarm) => (
        <AlarmNote key={alarm.id} alarm={alarm} onOperate={onOperate} />
      ))}
    </section>
  );
}

function AlarmNote({ alarm, onOperate }: { alarm: Alarm; onOperate: (operation: Operation) => void }) {
  const { id, tone, title, text, advice, runbook, button, link } = alarm;
  return (
    <article class={`alarm alarm-${tone}`} aria-labelledby={`alarm-${id}`}>
      <Icon name="alert" />
      <div class="alarm-text">
        <h2 id={`alarm-${id}`}>{title}</h2>
        <p>
          <Prose text={text} />
        </p>
        <p class="advice">
          <Prose text={advice} />
          {runbook !== undefined && (
            <>
              {' '}
              More in the runbook, <q>{runbook}</q>.
            </>
          )}
        </p>
      </div>
      {(button !== undefined || link !== undefined) && (
        <div class="alarm-actions">
          {link !== undefined && (
            <a class="button button-small" href={link.href} aria-label={`${link.label}: ${title}`}>
              {link.label}
            </a>
          )}
          {button !== undefined && (
            <button type="button" class="button button-small" onClick={() => onOperate(button.operation)}>
              {button.label}
            </button>
          )}
        </div>
      )}
    </article>
  );
}
