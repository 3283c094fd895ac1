/** The views of the page, in the order of its navigation. */
export const VIEWS = ['fleet', 'sessions', 'queues', 'webhooks', 'backups', 'events'] as const;
export type ViewName = (typeof VIEWS)[number];

/** Where somebody is on the page: `#/sessions/7/sales?status=ready` is the view, what of it, and how it is narrowed down. */
export interface Route {
  view: ViewName;
  /** What is open in the view: an instance, a session, a restore. */
  open: readonly string[];
  query: Readonly<Record<string, string>>;
}

/**
 * The place that an address names after `#`. Whatever it does not know leads to the first view.
 *
 * @param views those that whoever asks may see
 */
export function parseRoute(hash: string, views: readonly ViewName[] = VIEWS): Route {
  const [path = '', query = ''] = hash.replace(/^#?\/?/, '').split('?', 2);
  const [name, ...open] = path.split('/').filter((part) => part !== '');
  const view = views.find((each) => each === name);
  if (view === undefined) return { view: views[0] ?? 'fleet', open: [], query: {} };
  return { view, open: open.map(decoded), query: Object.fromEntries(new URLSearchParams(query)) };
}

/** The address of a place, from `#` on; empty values are left out. */
export function routeHash(view: ViewName, open: readonly string[] = [], query: Route['query'] = {}): string {
  const path = [view, ...open.map(encodeURIComponent)].join('/');
  const given = Object.entries(query).filter(([, value]) => value !== '');
  const words = new URLSearchParams(given).toString();
  return `#/${path}${words === '' ? '' : `?${words}`}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
