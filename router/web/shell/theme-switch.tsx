import { useState } from 'preact/hooks';
import { chosenTheme, showTheme, THEMES } from '../state/theme.ts';

const LABELS = { auto: 'Auto', light: 'Light', dark: 'Dark' } as const;

const storage = () => localStorage;

/** Light, dark, or as the system has it. */
export function ThemeSwitch() {
  const [theme, setTheme] = useState(() => chosenTheme(storage));
  return (
    <select
      class="theme"
      aria-label="Theme"
      value={theme}
      onChange={({ currentTarget: { value } }) => {
        const chosen = THEMES.find((each) => each === value) ?? 'auto';
        showTheme(chosen, document.documentElement, storage);
        setTheme(chosen);
      }}
    >
      {THEMES.map((each) => (
        <option key={each} value={each}>
          {LABELS[each]}
        </option>
      ))}
    </select>
  );
}
