import { useId, useLayoutEffect, useRef } from 'preact/hooks';

/** What a field may be told. */
interface FieldProps {
  label: string;
  /** A word of help below. */
  hint?: string;
  value: string;
  onValue: (value: string) => void;
  /** Shown as dots. */
  secret?: boolean;
  /** Which keyboard a phone shows. */
  inputMode?: 'text' | 'tel';
  required?: boolean;
  /** A regular expression the whole value must match, and what to say where it does not. */
  pattern?: [pattern: string, fault: string];
  maxLength?: number;
  /** Lines; more than one make a text area. */
  rows?: number;
  autoFocus?: boolean;
}

/** An input with its label and its help. */
export function Field(props: FieldProps) {
  const id = useId();
  const place = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (props.autoFocus) place.current?.querySelector<HTMLElement>('input, textarea')?.focus();
  }, []);
  const { label, hint, value, onValue, rows = 1, pattern } = props;
  const shared = {
    id,
    value,
    autocomplete: 'off',
    required: props.required ?? false,
    ...(hint === undefined ? {} : { 'aria-describedby': `${id}-hint` }),
    ...(props.autoFocus ? { 'data-autofocus': true } : {}),
    maxLength: props.maxLength ?? 500,
    onInput: (event: { currentTarget: { value: string } }) => onValue(event.currentTarget.value),
  };
  return (
    <div class="field" ref={place}>
      <label for={id}>
        {label}
        {!props.required && <span class="optional"> (optional)</span>}
      </label>
      {rows > 1 && <textarea {...shared} rows={rows} />}
      {rows === 1 && props.secret && <input {...shared} type="password" />}
      {rows === 1 && !props.secret && (
        <input
          {...shared}
          type="text"
          inputMode={props.inputMode ?? 'text'}
          spellcheck={false}
          autocapitalize="none"
          {...(pattern === undefined ? {} : { pattern: pattern[0], title: pattern[1] })}
        />
      )}
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}
