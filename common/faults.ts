import type { z } from 'zod';
import type { Fault } from './errors.ts';

/** Every fault a schema found, with its path written as `media.url` or `messages[3].to`; `(body)` for the whole. */
export function faultsOf(error: z.ZodError): Fault[] {
  return error.issues.map((issue) => ({
    path: pathText(issue.path),
    message:
      issue.code === 'unrecognized_keys' ? `unknown: ${issue.keys.map(shorten).join(', ')}` : issue.message,
  }));
}

function pathText(path: readonly PropertyKey[]): string {
  if (path.length === 0) return '(body)';
  return path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${shorten(String(part))}`,
    )
    .join('');
}

/** What a caller sent may be 10 kB long and hold anything; an error shows its beginning. */
function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
