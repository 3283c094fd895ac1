import type { ComponentChildren } from 'preact';

/** A few figures in a row. */
export function Figures({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <section aria-label={label}>
      <dl class="figures">{children}</dl>
    </section>
  );
}

/** One figure; `alarming` where somebody should look at it, `below` says more. */
export function Figure(props: {
  name: string;
  value: ComponentChildren;
  alarming?: boolean;
  below?: string | undefined;
}) {
  return (
    <div class={props.alarming ? 'figure figure-alarming' : 'figure'}>
      <dt>{props.name}</dt>
      <dd>
        {props.value}
        {props.below !== undefined && <span class="figure-below">{props.below}</span>}
      </dd>
    </div>
  );
}
