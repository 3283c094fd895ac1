import { WharfError } from '../../common/errors.ts';

/** What a chat shows by itself: a wrong type there is seen by everybody. */
const SHOWN = /^(image|video|audio)\//i;

/** What servers say of pages of theirs, errors and logins above all. */
const PAGE = /^(text\/|application\/(json|problem\+json|xml|xhtml\+xml|javascript)$)/i;

/** The type a Content-Type header says, or null where it says nothing of use. */
export function saidType(header: string | string[] | undefined): string | null {
  const type = typeof header === 'string' ? header.split(';')[0]?.trim() : undefined;
  return type && /^[\w.+-]+\/[\w.+-]+$/.test(type) && type !== 'application/octet-stream' ? type : null;
}

/**
 * Why an answer of this type is not the media that was asked for, or null. The sender's word goes before the server's: many servers call
 * everything octet-stream, or text. But a page in place of a picture is the server's way to say that there is no picture.
 *
 * @param wanted the type the message says
 * @param said the type the server says
 * @param address for the error
 */
export function typeFault(
  wanted: string | undefined,
  said: string | null,
  address: string,
): WharfError | null {
  if (wanted === undefined && said === null) {
    return new WharfError(
      'media_refused',
      `${address} does not say what type its media is. Give "mimetype" with the message.`,
    );
  }
  if (wanted === undefined && said !== null && /^(text\/html|application\/xhtml\+xml)$/i.test(said)) {
    return new WharfError(
      'media_refused',
      `${address} answers with a web page. Give the address of the file itself; to send the page, give "mimetype": "${said}".`,
    );
  }
  if (wanted !== undefined && said !== null && SHOWN.test(wanted) && PAGE.test(said))
    return new WharfError('media_refused', `${address} answers with ${said}, not ${wanted}.`);
  return null;
}

/** Whether these first bytes are of a web page, though something to show was announced. */
export function looksLikePage(first: Buffer, mimetype: string): boolean {
  return SHOWN.test(mimetype) && /^\s*<(!doctype\s+html|html)\b/i.test(first.toString('latin1', 0, 256));
}
