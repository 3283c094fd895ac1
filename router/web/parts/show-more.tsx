/** The way to the rest of a list; nothing where all of it is shown. */
export function ShowMore({ more, onMore }: { more: number; onMore: () => void }) {
  if (more === 0) return null;
  return (
    <p class="more">
      <button type="button" class="button button-small" onClick={onMore}>
        Show {more} more
      </button>
    </p>
  );
}
