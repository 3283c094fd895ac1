/** How far something has come; `total` null: that cannot be told. */
export function Progress({ label, done, total }: { label: string; done: number; total: number | null }) {
  return (
    <progress
      class="progress"
      aria-label={label}
      {...(total === null ? {} : { max: Math.max(total, 1), value: Math.min(done, total) })}
    />
  );
}
