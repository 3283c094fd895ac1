import type { Operation } from '../api/types.ts';
import { Icon } from '../parts/icon.tsx';
import { Prose } from '../parts/prose.tsx';
import type { Alarm } from '../state/alarms.ts';
import { routeHash, type ViewName } from '../state/route.ts';

/** What somebody should look at, above everything else; nothing where all is well. Read out when one comes, and not each time its text changes. */
export function Alarms({
  alarms,
  shown,
  onOperate,
}: {
  alarms: readonly Alarm[];
  /** The view that is shown: no alarm leads there. */
  shown: ViewName;
  onOperate: (operation: Operation) => void;
}) {
  return (
    <section class="alarms" aria-label="Alarms">
      <p class="visually-hidden" role="status">
        {alarms.map(({ title }) => title).join('. ')}
      </p>
      {alarms.map((alarm) => (
        <AlarmNote
          key={alarm.id}
          alarm={alarm}
          link={alarm.link?.view === shown ? undefined : alarm.link}
          onOperate={onOperate}
        />
      ))}
    </section>
  );
}

function AlarmNote({
  alarm,
  link,
  onOperate,
}: {
  alarm: Alarm;
  link: Alarm['link'];
  onOperate: (operation: Operation) => void;
}) {
  const { id, tone, title, text, advice, runbook, button } = alarm;
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
            <a
              class="button button-small"
              href={routeHash(link.view, [], link.query)}
              aria-label={`${link.label}: ${title}`}
            >
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
