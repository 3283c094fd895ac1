import type { Command } from 'commander';
import { z } from 'zod';
import { systemClock } from '../common/clock.ts';
import { type SessionDetail, type SessionStatus, sessionDetailSchema } from '../fleet/records.ts';
import type { RouterClient } from './client.ts';
import { type CommandContext, isJson } from './context.ts';
import { CommandFailure } from './failure.ts';
import { drawQr } from './output/qr-drawing.ts';
import { oneLine } from './output/text.ts';
import { type SessionOptions, sessionRequest } from './sessions.ts';

/** Milliseconds between two looks at whether the code has changed or was scanned. */
const INTERVAL = 1000;
/** Seconds the router holds the question for the first code. */
const WAIT = 20;

const qrSchema = z.object({ qr: z.string().min(1), expires_at: z.string().nullish() });

/** What a status means while a QR is waited for: a code to come, linked, or nothing to hope for. */
const PROGRESS: Readonly<Record<SessionStatus, string>> = {
  starting: 'The browser is starting ...',
  qr: 'Waiting for the code ...',
  pairing: 'A pairing code is shown on request; scan the QR or enter the code.',
  authenticated: 'Scanned. WhatsApp is syncing ...',
  disconnected: 'The connection was lost; connecting again ...',
  ready: '',
  logged_out: '',
  failed: '',
  stopped: '',
  parked: '',
};
const HOPELESS: ReadonlySet<SessionStatus> = new Set(['logged_out', 'failed', 'stopped', 'parked']);

/**
 * Shows a session's QR, anew as it rotates, and returns when the session is ready.
 *
 * @throws CommandFailure when the session ends up in a state in which no QR comes
 */
export async function linkByQr(
  context: CommandContext,
  command: Command,
  router: RouterClient,
  session: string,
  options: SessionOptions,
): Promise<void> {
  const { terminal, style } = context;
  const json = isJson(command);
  const screen = new Screen(context);
  let shown: string | undefined;
  for (;;) {
    const code = await askForCode(router, session, options, shown === undefined ? WAIT : 0);
    if (code !== undefined && code.qr !== shown) {
      shown = code.qr;
      if (json) terminal.out(`${JSON.stringify({ qr: code.qr, expires_at: code.expires_at ?? null })}\n`);
      else screen.draw(drawing(context, code.qr));
    }
    if (code === undefined) {
      const detail = await router.ask(sessionDetailSchema, sessionRequest('GET', session, options));
      if (detail.status === 'ready') {
        terminal.out(
          json ? `${JSON.stringify(detail)}\n` : `${style.good('Linked')}: ${linkedText(detail)}\n`,
        );
        return;
      }
      if (HOPELESS.has(detail.status)) throw noQrComes(detail);
      if (!json) screen.progress(PROGRESS[detail.status]);
    }
    await systemClock.sleep(INTERVAL, terminal.signal).catch(() => {
      throw new CommandFailure('Stopped; the session goes on waiting for its QR to be scanned.', {
        code: 'stopped',
      });
    });
  }
}

/** The code there is, or undefined when the session is not waiting for one. */
async function askForCode(router: RouterClient, session: string, options: SessionOptions, wait: number) {
  try {
    const request = sessionRequest('GET', session, options, '/qr', { format: 'json', wait });
    return await router.ask(qrSchema, { ...request, patience: (wait + 30) * 1000 });
  } catch (error) {
    if (error instanceof CommandFailure && error.code === 'not_awaiting_qr') return undefined;
    throw error;
  }
}

function drawing({ terminal, style }: CommandContext, qr: string): string {
  const help = 'Scan it in WhatsApp on the phone: Settings, Linked devices, Link a device. Ctrl-C leaves.';
  return `${drawQr(qr, terminal.color)}${style.dim(help)}\n`;
}

function linkedText(detail: SessionDetail): string {
  const phone = detail.phone_number === null ? '' : ` as ${detail.phone_number}`;
  return `${detail.session_id} of workspace ${detail.workspace_id} is ready${phone}.`;
}

function noQrComes(detail: SessionDetail): CommandFailure {
  const reason = detail.last_error ? ` Its last error: ${oneLine(detail.last_error, 200)}` : '';
  const next = `wharf sessions ${detail.status === 'failed' ? 'restart' : 'start'} ${detail.session_id} --workspace ${detail.workspace_id}`;
  return new CommandFailure(`The session is ${detail.status}, so no QR comes. Start it: ${next}.${reason}`, {
    code: 'not_awaiting_qr',
  });
}

/** Draws over what it drew before where a person watches; else one below the other. */
class Screen {
  readonly #context: CommandContext;
  #lines = 0;
  #progress = '';

  constructor(context: CommandContext) {
    this.#context = context;
  }

  /** Draws a picture in the place of the one before. */
  draw(picture: string): void {
    const { terminal } = this.#context;
    // CSI nA: up n lines; CSI J: erase to the end of the screen (ECMA-48).
    if (terminal.interactive && this.#lines > 0) terminal.out(`\u001b[${this.#lines}A\u001b[J`);
    terminal.out(picture);
    this.#lines = picture.split('\n').length - 1;
    this.#progress = '';
  }

  /** Says what is waited for, once each. */
  progress(text: string): void {
    if (text === this.#progress) return;
    this.#progress = text;
    this.#context.terminal.err(`${this.#context.style.dim(text)}\n`);
    if (this.#context.terminal.interactive) this.#lines += 1;
  }
}
