const STORED = 'wharf-theme';

/** As the system has it, or as somebody chose on this page. */
export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

/** Where a page may keep something. */
interface Keeper {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
}

/** What was chosen in this browser. A browser that keeps nothing for pages has none. */
export function chosenTheme(storage: () => Keeper): Theme {
  try {
    const kept = storage().getItem(STORED);
    return THEMES.find((each) => each === kept) ?? 'auto';
  } catch {
    return 'auto';
  }
}

/** Shows a theme, and keeps it for the next time where that is possible. */
export function showTheme(
  theme: Theme,
  root: { readonly dataset: Record<string, string | undefined> },
  storage: () => Keeper,
): void {
  if (theme === 'auto') delete root.dataset['theme'];
  else root.dataset['theme'] = theme;
  try {
    storage().setItem(STORED, theme);
  } catch {
    // Then it is for this visit alone.
  }
}
