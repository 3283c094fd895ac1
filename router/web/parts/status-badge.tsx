import { lookOf } from '../state/status.ts';

/** A status in words, with a colour that says the same. */
export function StatusBadge({ status }: { status: string }) {
  const { label, tone } = lookOf(status);
  return <span class={`badge badge-${tone}`}>{label}</span>;
}
