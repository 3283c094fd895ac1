import type { ComponentChildren } from 'preact';

interface PanelProps {
  /** Unique on the page: `moves` makes the heading's id `moves-title`. */
  name: string;
  title: string;
  /** Only for who listens: where the heading of the view says the same. */
  unseenTitle?: boolean;
  /** Beside the title: how it stands in a few words. */
  summary?: ComponentChildren;
  /** What narrows it down. */
  filters?: ComponentChildren;
  /** At the right: what can be done. */
  actions?: ComponentChildren;
  busy?: boolean;
  children?: ComponentChildren;
}

/** A part of a view, with its heading. */
export function Panel({ name, title, unseenTitle, filters, summary, actions, busy, children }: PanelProps) {
  const id = `${name}-title`;
  return (
    <section class="panel" aria-labelledby={id} aria-busy={busy ?? false}>
      <div class="panel-head">
        <h2 id={id} {...(unseenTitle ? { class: 'visually-hidden' } : {})}>
          {title}
        </h2>
        {filters}
        {summary !== undefined && <div class="summary">{summary}</div>}
        {actions !== undefined && <div class="panel-actions">{actions}</div>}
      </div>
      {children}
    </section>
  );
}
