/** Whether a text is a key of an object: parts of `[A-Za-z0-9._-]` with `/` between them, none of which begins with a dot; 500 characters at most. */
function isKey(text: string): boolean {
  return text.length <= 500 && text.split('/').every((part) => /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(part));
}

/** Keys are made by us: one that is none is a mistake of ours. */
export function checkKey(key: string): void {
  if (!isKey(key)) throw new Error(`not a key of an object: ${JSON.stringify(key)}`);
}

/** A prefix is empty, or the beginning of a key, perhaps with a `/` at its end. */
export function checkPrefix(prefix: string): void {
  if (prefix !== '' && !isKey(prefix.replace(/\/$/, '')))
    throw new Error(`not a prefix of keys: ${JSON.stringify(prefix)}`);
}
