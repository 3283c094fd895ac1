import type { CommandFrame } from '../../protocol/frames.ts';

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

/**
 * V8 ends the process when it is asked for an array longer than any can be (2^27 elements), instead of throwing: a
 * quarter of a second and 256 MB, where filling the memory would take seconds and gigabytes. Seen in Chromium 156.
 */
function crash(): void {
  'x'.repeat(2 ** 28).split('');
}
