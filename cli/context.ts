import type { Command } from 'commander';
import { RouterClient } from './client.ts';
import { CommandFailure, EXIT_WRONG_USE } from './failure.ts';
import { createStyle, type Style } from './output/style.ts';
import { jsonText } from './output/text.ts';
import { findTarget, type TargetOptions } from './target.ts';
import type { Terminal } from './terminal.ts';

/** Options every command takes. */
export interface GlobalOptions extends TargetOptions {
  json?: boolean;
}

/** What a command works with. */
export class CommandContext {
  readonly terminal: Terminal;
  readonly style: Style;

  constructor(terminal: Terminal) {
    this.terminal = terminal;
    this.style = createStyle(terminal.color);
  }

  /** The router that the command's options, the environment or the local fleet name; what is asked of it ends with `signal`. */
  async router(command: Command, signal: AbortSignal = this.terminal.signal): Promise<RouterClient> {
    const target = await findTarget(command.optsWithGlobals<GlobalOptions>(), this.terminal.env);
    return new RouterClient(target, signal);
  }

  /** Writes a result: JSON under `--json`, else the text made for people. */
  show(command: Command, value: unknown, forPeople: () => string): void {
    this.terminal.out(isJson(command) ? jsonText(value) : forPeople());
  }

  /** Asks a question. Throws CommandFailure where there is no answer: Ctrl-C. */
  async ask(question: string): Promise<string> {
    return await this.terminal.ask(question).catch((cause: unknown) => {
      throw new CommandFailure('Nothing was done.', { code: 'not_confirmed', cause });
    });
  }

  /**
   * Asks before something that cannot be undone.
   *
   * @throws CommandFailure when the answer is no, or nobody is there to ask and `--yes` was not given
   */
  async confirm(question: string, yes: boolean | undefined): Promise<void> {
    if (yes) return;
    if (!this.terminal.interactive) {
      throw new CommandFailure(`${question} Say so with --yes: there is no terminal to ask on.`, {
        code: 'not_confirmed',
        exitCode: EXIT_WRONG_USE,
      });
    }
    const answer = await this.ask(`${question} [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim()))
      throw new CommandFailure('Nothing was done.', { code: 'not_confirmed' });
  }
}

/** True under `--json`. */
export function isJson(command: Command): boolean {
  return command.optsWithGlobals<GlobalOptions>().json === true;
}
