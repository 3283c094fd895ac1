import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { systemClock } from '../../common/clock.ts';
import { type SessionDetail, sessionDetailSchema } from '../../fleet/records.ts';
import type { RouterClient } from '../client.ts';
import { type CommandContext, type GlobalOptions, isJson } from '../context.ts';
import { CommandFailure } from '../failure.ts';
import { findEmulator, phoneOf } from '../local-fleet/phone.ts';
import { type SessionOptions, sessionRequest, sessionText, takesSession } from '../sessions.ts';

/** Seconds the router holds the question for a QR. */
const WAIT = 20;
/** Milliseconds a scanned session has to become ready, and between two looks. */
const READY_TIME = 60_000;
const INTERVAL = 200;

const qrSchema = z.object({ qr: z.string().min(1) });

/** The options and arguments of the phones' commands. */
interface Options extends SessionOptions {
  phone?: string;
  name?: string;
}

/** `wharf phone scan`: an emulated phone scans a session's QR, so that one can try everything without a real phone. */
export function addPhoneScanCommand(parent: Command, context: CommandContext): void {
  takesSession(parent.command('scan'))
    .description("scan a session's QR with an emulated phone, and wait until the session is ready")
    .option('--phone <digits>', "the phone's number (default: one made from the session's id)", digits)
    .option('--name <name>', "the phone's user")
    .addHelpText(
      'after',
      '\nExamples:\n  $ wharf phone scan sales\n  $ wharf phone scan sales --phone 491700000001',
    )
    .action(async (session: string, options: Options, command: Command) => {
      const emulator = await findEmulator(command.optsWithGlobals<GlobalOptions>(), context.terminal.signal);
      const router = await context.router(command);
      const { qr } = await router.ask(qrSchema, {
        ...sessionRequest('GET', session, options, '/qr', { format: 'json', wait: WAIT }),
        patience: (WAIT + 30) * 1000,
      });
      const { workspace_id } = await router.ask(sessionDetailSchema, sessionRequest('GET', session, options));
      const phone = options.phone ?? phoneOf(String(workspace_id), session);
      const body = { qr, phone, ...(options.name === undefined ? {} : { name: options.name }) };
      await emulator.ask(z.unknown(), { method: 'POST', path: '/scan', body });
      if (!isJson(command))
        context.terminal.err(`${context.style.dim(`Phone ${phone} scanned it; WhatsApp is syncing ...`)}\n`);
      const detail = await whenReady(context, router, session, options);
      context.show(command, detail, () => sessionText(context.style, detail, new Date()));
    });
}

async function whenReady(
  context: CommandContext,
  router: RouterClient,
  session: string,
  options: Options,
): Promise<SessionDetail> {
  const end = systemClock.monotonic() + READY_TIME;
  for (;;) {
    const detail = await router.ask(sessionDetailSchema, sessionRequest('GET', session, options));
    if (detail.status === 'ready') return detail;
    if (systemClock.monotonic() > end) {
      throw new CommandFailure(
        `The QR was scanned, and the session is still ${detail.status} after ${READY_TIME / 1000} s.`,
        { code: 'timeout' },
      );
    }
    await systemClock.sleep(INTERVAL, context.terminal.signal).catch(() => {
      throw new CommandFailure('Stopped; the session goes on linking.', { code: 'stopped' });
    });
  }
}

/** A phone number as WhatsApp has it. */
export function digits(text: string): string {
  const plain = text.replace(/^\+/, '');
  if (!/^\d{7,15}$/.test(plain)) throw new InvalidArgumentError('It must be 7 to 15 digits.');
  return plain;
}
