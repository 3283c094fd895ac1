import { CommandContext } from '../../cli/context.ts';
import { buildProgram } from '../../cli/program.ts';
import type { Terminal } from '../../cli/terminal.ts';

class Understood extends Error {}

/**
 * Whether the `wharf` program understands a command line; nothing is done.
 *
 * @param words what follows `wharf`
 * @returns undefined, or what it says
 */
export async function complaintAbout(words: readonly string[]): Promise<string | undefined> {
  let said = '';
  const program = buildProgram(new CommandContext(silentTerminal((text) => (said += text))), '');
  program.hook('preAction', () => {
    throw new Understood();
  });
  try {
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    if (error instanceof Understood) return undefined;
  }
  return said || `${words.join(' ')} does nothing`;
}

function silentTerminal(err: (text: string) => void): Terminal {
  return {
    env: {},
    out: () => {},
    bytes: () => Promise.resolve(),
    err,
    interactive: false,
    color: false,
    ask: () => Promise.reject(new Error('nobody is there to ask')),
    signal: new AbortController().signal,
    now: () => new Date(0),
  };
}
