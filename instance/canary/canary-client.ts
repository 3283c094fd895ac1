import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Env } from '../../common/env.ts';
import { WharfError } from '../../common/errors.ts';

/** How one check came out. */
const checkResultSchema = z.object({
  /** `page`, `send_text` ..., or `module:NAME` for a module of WhatsApp's page. */
  id: z.string(),
  /** What is assumed of WhatsApp Web. */
  title: z.string(),
  status: z.enum(['ok', 'failed', 'skipped']),
  /** What was found, or why it was not looked at. */
  detail: z.string().nullable(),
  /** What of Wharf does not work where it does not hold. */
  breaks: z.string(),
  /** What to do then. */
  todo: z.string(),
  took_ms: z.number().int().nonnegative(),
});
export type CheckResult = z.infer<typeof checkResultSchema>;

/** What a canary found: the file that the next run is compared with. */
export const canaryReportSchema = z.object({
  version: z.literal(1),
  at: z.iso.datetime(),
  versions: z.object({
    /** Null where its page was not reached. */
    whatsapp_web: z.string().nullable(),
    whatsapp_web_js: z.string(),
    chromium: z.string(),
    wharf: z.string(),
  }),
  checks: z.array(checkResultSchema),
});
export type CanaryReport = z.infer<typeof canaryReportSchema>;

/** What a canary's process says, a line of JSON each. */
const canaryLineSchema = z.discriminatedUnion('kind', [
  /** To be scanned; another comes when it rotates. */
  z.object({ kind: z.literal('qr'), qr: z.string() }),
  z.object({ kind: z.literal('linked') }),
  z.object({ kind: z.literal('begun'), title: z.string() }),
  z.object({ kind: z.literal('check'), check: checkResultSchema }),
  z.object({ kind: z.literal('report'), report: canaryReportSchema }),
]);
export type CanaryLine = z.infer<typeof canaryLineSchema>;

/** What a canary's process is told on its command line, as JSON. */
export const canaryOrderSchema = z.strictObject({
  /** Its own directory, absolute. */
  directory: z.string().startsWith('/'),
  /** Whether it logs out at the end, and checks that. */
  logout: z.boolean(),
});
export type CanaryOrder = z.infer<typeof canaryOrderSchema>;

/** The process, as it was built: beside this file, or in `dist/` when a test runs this one as it is. */
const MAIN = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/instance/canary/main.js' : './main.js',
  import.meta.url,
);

/**
 * Runs a canary in a process of its own, and gives what it says as it comes; the last line is its report.
 *
 * @throws WharfError `browser_failed` with what it said where it ended without a report; the signal's reason
 */
export async function* runCanary(
  order: CanaryOrder,
  env: Env,
  signal: AbortSignal,
): AsyncGenerator<CanaryLine> {
  const child = spawn(process.execPath, [fileURLToPath(MAIN), JSON.stringify(order)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // It ends with whoever reads it, and its browser with it.
    env: { ...env, WHARF_EXIT_WITH_PARENT: '1' },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000);
  });
  const stop = () => child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  let whole = false;
  try {
    for await (const line of createInterface(child.stdout)) {
      const parsed = canaryLineSchema.parse(JSON.parse(line));
      whole ||= parsed.kind === 'report';
      yield parsed;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    await ended(child);
  }
  signal.throwIfAborted();
  if (!whole) throw new WharfError('browser_failed', said.trim() || 'The canary ended, and did not say why.');
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}
