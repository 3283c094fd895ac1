import type { ModuleTable } from './registry.ts';

interface Link {
  readonly href: string;
  readonly url: string;
  readonly domain: string;
  readonly suspiciousCharacters: ReadonlySet<string>;
}

const LINK = /\b(?:https?:\/\/|www\.)[^\s<>"]+/gi;

/** The web addresses in a text. */
export function findLinks(text: unknown): Link[] {
  if (typeof text !== 'string') return [];
  return [...text.matchAll(LINK)].flatMap(([url]) => {
    const href = url.startsWith('www.') ? `http://${url}` : url;
    if (!URL.canParse(href)) return [];
    return [{ href, url, domain: new URL(href).hostname, suspiciousCharacters: new Set<string>() }];
  });
}

export function linkifyModules(): ModuleTable {
  return {
    WALinkify: { findLinks, findLink: (text: unknown) => findLinks(text)[0] },
    // The emulator reaches no other host: no link has a preview.
    WAWebLinkPreviewChatAction: { getLinkPreview: async () => undefined },
  };
}
