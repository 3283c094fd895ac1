import type { CommandContext } from '../context.ts';

/** Erases the line the cursor is on (ECMA-48, 8.3.41) and begins it anew. */
const ANEW = '\r\u001b[2K';

/** What takes long, told on standard error: one line that changes where a person watches, else a line for each change. */
export class Progress {
  readonly #context: CommandContext;
  readonly #silent: boolean;
  #shown = '';

  /** @param silent tells nothing: the output is for a script */
  constructor(context: CommandContext, silent: boolean) {
    this.#context = context;
    this.#silent = silent;
  }

  /** Says how far it has come. */
  at(text: string): void {
    if (this.#silent || text === this.#shown) return;
    this.#shown = text;
    const { terminal } = this.#context;
    terminal.err(terminal.interactive ? `${ANEW}${text}` : `${text}\n`);
  }

  /** Says something that stays, and ends the line that changes. */
  say(text: string): void {
    if (this.#silent) return;
    this.end();
    this.#context.terminal.err(`${text}\n`);
  }

  /** Ends the line that changes. */
  end(): void {
    if (this.#shown !== '' && !this.#silent && this.#context.terminal.interactive)
      this.#context.terminal.err('\n');
    this.#shown = '';
  }
}
