import type { ByteRange } from '../../fleet/media/media-store.ts';

/**
 * Which part of a file a Range header asks for (RFC 9110, 14.2).
 *
 * @param size bytes of the file
 * @returns undefined: all of it, also where the header is not understood or asks for several parts; null: no byte of it is in there
 */
export function rangeOf(header: string | undefined, size: number): ByteRange | null | undefined {
  const parts = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  if (parts === null) return undefined;
  const [, from = '', to = ''] = parts;
  if (from === '' && to === '') return undefined;
  if (from === '') {
    const count = Math.min(Number(to), size);
    return count === 0 ? null : { first: size - count, last: size - 1 };
  }
  const first = Number(from);
  const last = to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== '' && Number(to) < first) return undefined;
  return first >= size ? null : { first, last };
}
