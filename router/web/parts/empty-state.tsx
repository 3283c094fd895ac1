import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon.tsx';

/** Says that there is nothing yet, and what to do next. */
export function EmptyState(props: { icon: IconName; title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <Icon name={props.icon} />
      <h3>{props.title}</h3>
      {props.children}
    </div>
  );
}
