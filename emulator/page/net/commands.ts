import type { CommandFrame } from '../../protocol.ts';

/** Faults a test asks for: the page's main thread blocked for ever, its renderer ended, the page loaded again. */
export function obeyCommand(action: CommandFrame['action']): void {
  switch (action) {
    case 'hang':
      hang();
      return;
    case 'crash':
      crash();
      return;
    case 'reload':
      location.reload();
  }
}

function hang(): void {
  for (;;) {
    // Nothing else gets its turn on this thread.
  }
}

function crash(): void {
  const lists: unknown[] = [];
  for (;;) lists.push(new Array(1 << 24).fill(lists.length));
}
