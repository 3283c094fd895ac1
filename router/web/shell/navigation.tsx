import { Icon } from '../parts/icon.tsx';
import { routeHash, type ViewName } from '../state/route.ts';

export const VIEW_TITLES: Readonly<Record<ViewName, string>> = {
  fleet: 'Fleet',
  sessions: 'Sessions',
  queues: 'Queues',
  webhooks: 'Webhooks',
  backups: 'Backups',
  events: 'Events',
};

/** How many things in a view wait for somebody. */
export type Marks = Partial<Record<ViewName, number>>;

/** The ways to the views; beside each how much in it is wrong. */
export function Navigation({
  views,
  shown,
  marks,
}: {
  views: readonly ViewName[];
  shown: ViewName;
  marks: Marks;
}) {
  return (
    <nav class="navigation" aria-label="Views">
      <ul>
        {views.map((view) => (
          <li key={view}>
            <a href={routeHash(view)} {...(view === shown ? { 'aria-current': 'page' } : {})}>
              <Icon name={view} />
              <span>{VIEW_TITLES[view]}</span>
              {(marks[view] ?? 0) > 0 && <Mark number={marks[view] ?? 0} />}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Mark({ number }: { number: number }) {
  return (
    <span class="mark-count">
      <span aria-hidden="true">{number > 99 ? '99+' : number}</span>
      <span class="visually-hidden">, {number} to look at</span>
    </span>
  );
}
