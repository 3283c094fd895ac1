import { useEffect, useRef, useState } from 'preact/hooks';

/** Milliseconds after the last key before it is looked for. */
const TYPING = 250;

/** A field that is looked for as somebody types. */
export function SearchField(props: {
  label: string;
  placeholder: string;
  value: string;
  onValue: (value: string) => void;
}) {
  const { label, placeholder, value, onValue } = props;
  const [text, setText] = useState(value);
  const told = useRef(value);
  // What changes elsewhere, by a link or a button, is shown here; what was typed is left alone.
  useEffect(() => {
    if (value === told.current) return;
    told.current = value;
    setText(value);
  }, [value]);
  const tell = (next: string) => {
    if (next === told.current) return;
    told.current = next;
    onValue(next);
  };
  useEffect(() => {
    const timer = setTimeout(() => tell(text.trim()), TYPING);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <input
      type="search"
      aria-label={label}
      placeholder={placeholder}
      maxLength={100}
      autocomplete="off"
      spellcheck={false}
      value={text}
      onInput={({ currentTarget }) => setText(currentTarget.value)}
    />
  );
}
