import { Icon } from './icon.tsx';

interface PagerProps {
  /** What is paged: `sessions`. */
  what: string;
  /** How many are before this page, are on it, and are there in all. */
  before: number;
  shown: number;
  total: number;
  onPrevious: (() => void) | null;
  onNext: (() => void) | null;
}

/** Which part of a long list is shown, and the ways to the rest; nothing where all of it is. */
export function Pager({ what, before, shown, total, onPrevious, onNext }: PagerProps) {
  if (total <= shown && before === 0) return null;
  return (
    <nav class="pager" aria-label={`Pages of ${what}`}>
      <p role="status">
        {shown === 0 ? `None of ${total}` : `${before + 1} to ${before + shown} of ${total}`}
      </p>
      <button
        type="button"
        class="button button-small"
        disabled={onPrevious === null}
        onClick={() => onPrevious?.()}
      >
        <Icon name="previous" /> Previous
      </button>
      <button type="button" class="button button-small" disabled={onNext === null} onClick={() => onNext?.()}>
        Next <Icon name="next" />
      </button>
    </nav>
  );
}
