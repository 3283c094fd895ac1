import type { Totals } from '../api/types.ts';
import { SearchField } from '../parts/search-field.tsx';
import { lookOf, SESSION_STATUSES } from '../state/status.ts';

/** The statuses there are, each with its number of sessions; choosing one shows only those, choosing it again shows all. */
export function StatusFilter(props: {
  byStatus: Totals;
  chosen: string;
  onChoose: (status: string) => void;
}) {
  const { byStatus, chosen, onChoose } = props;
  const all = Object.values(byStatus).reduce((sum, number) => sum + number, 0);
  const there = SESSION_STATUSES.filter((status) => (byStatus[status] ?? 0) > 0 || status === chosen);
  if (there.length === 0) return null;
  return (
    <fieldset class="chips">
      <legend class="visually-hidden">Status</legend>
      <Chip label="All" number={all} isChosen={chosen === ''} onClick={() => onChoose('')} />
      {there.map((status) => (
        <Chip
          key={status}
          tone={lookOf(status).tone}
          label={lookOf(status).label}
          number={byStatus[status] ?? 0}
          isChosen={status === chosen}
          onClick={() => onChoose(status === chosen ? '' : status)}
        />
      ))}
    </fieldset>
  );
}

function Chip(props: {
  tone?: string;
  label: string;
  number: number;
  isChosen: boolean;
  onClick: () => void;
}) {
  return (
    <button
      type="button"
      class={props.tone === undefined ? 'chip' : `chip dot-${props.tone}`}
      aria-pressed={props.isChosen}
      onClick={props.onClick}
    >
      {props.label} <b>{props.number}</b>
    </button>
  );
}

interface FiltersProps {
  query: Readonly<Record<string, string>>;
  isAdmin: boolean;
  onNarrow: (query: Record<string, string>) => void;
}

/** What to look for; and what the address narrows the list to, with a way out of it. */
export function SessionFilters({ query, isAdmin, onNarrow }: FiltersProps) {
  return (
    <search class="filters" aria-label="Sessions">
      <SearchField
        label="Search sessions"
        placeholder={isAdmin ? 'Session, workspace, account or number' : 'Session, account or number'}
        value={query['q'] ?? ''}
        onValue={(q) => onNarrow({ q })}
      />
      {(['workspace', 'instance'] as const).map((name) => {
        const value = query[name] ?? '';
        if (value === '') return null;
        const text = name === 'workspace' ? `Workspace ${value}` : value;
        return (
          <button
            key={name}
            type="button"
            class="chip"
            aria-label={`Not only ${text}`}
            onClick={() => onNarrow({ [name]: '' })}
          >
            {text} <span aria-hidden="true">×</span>
          </button>
        );
      })}
    </search>
  );
}
