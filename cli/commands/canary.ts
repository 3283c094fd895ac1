import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { readJson, replaceFile } from '../../common/files.ts';
import {
  type CanaryLine,
  type CanaryReport,
  canaryReportSchema,
  runCanary,
} from '../../instance/canary/canary-client.ts';
import { type CanaryChanges, compareReports } from '../canary/compare.ts';
import { changesText, checkLine, isShown, reportText } from '../canary/text.ts';
import { type CommandContext, isJson } from '../context.ts';
import { CommandFailure, EXIT_WRONG_USE } from '../failure.ts';
import { drawQr } from '../output/qr-drawing.ts';
import { count, jsonText } from '../output/text.ts';

interface Options {
  profile?: string;
  logout?: boolean;
  report?: string;
  compare?: string;
  yes?: boolean;
}

/** In the canary's directory: what its last run found. */
const LAST_REPORT = 'last-report.json';

const HELP = `
Runs one real account in one browser on this host, as an instance would, and checks one by one what Wharf assumes of WhatsApp Web: each module and member of its
page, and each behaviour that can be tried without harm. Says what no longer holds, what that breaks, and what to do. Run it before whatsapp-web.js or Chromium
is upgraded, and when nothing becomes ready any more.

It needs an account of its own, which is linked by QR the first time and kept in --profile. It sends six messages, to itself only. It refuses the profile of
a fleet. CHROMIUM_PATH names the browser to try; WHATSAPP_WEB_RESOLVE and WHATSAPP_WEB_SPKI an emulator in place of WhatsApp.

Examples:
  $ wharf canary
  $ CHROMIUM_PATH=/opt/chromium-157/chromium-headless-shell wharf canary --yes
  $ wharf canary --report before.json
  $ wharf canary --compare before.json --json`;

/** `wharf canary`: whether WhatsApp Web is still as Wharf takes it to be. */
export function addCanaryCommand(parent: Command, context: CommandContext): void {
  parent
    .command('canary')
    .description('check with a real account what Wharf assumes of WhatsApp Web, before an upgrade')
    .option('--profile <directory>', "the canary's own directory (default: ~/.local/state/wharf/canary)")
    .option('--logout', 'at the end, check that a logout unlinks the device; the next run needs a QR again')
    .option('--report <file>', 'write what was found, for a later --compare')
    .option('--compare <file>', 'say what changed since that report (default: since the last run)')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', HELP)
    .action(async (options: Options, command: Command) => {
      const { env, err } = context.terminal;
      const state = env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state');
      const directory = resolve(options.profile ?? join(state, 'wharf', 'canary'));
      const last = join(directory, LAST_REPORT);
      const before = await readBefore(options.compare, last);
      await context.confirm(
        `The account in ${directory}, or the one that scans the QR, sends six messages to itself${options.logout ? ', and is logged out at the end' : ''}. It must be none that the fleet runs. Go on?`,
        options.yes,
      );
      if (options.yes && !isJson(command)) err('The account sends six messages to itself.\n');
      const report = await follow(context, command, { directory, logout: options.logout ?? false });
      await keep(report, last, options);
      finish(context, command, report, before);
    });
}

async function readBefore(compare: string | undefined, last: string): Promise<CanaryReport | null> {
  if (compare === undefined) return await readJson(last, canaryReportSchema).catch(() => null);
  const before = await readJson(resolve(compare), canaryReportSchema);
  if (before !== null) return before;
  throw new CommandFailure(`There is no report ${compare} to compare with.`, {
    code: 'no_report',
    exitCode: EXIT_WRONG_USE,
  });
}

/** Shows what the canary says as it comes. Throws CommandFailure where it ends without a report. */
async function follow(
  context: CommandContext,
  command: Command,
  order: { directory: string; logout: boolean },
): Promise<CanaryReport> {
  const { env, signal } = context.terminal;
  const silent = isJson(command);
  let report: CanaryReport | undefined;
  try {
    for await (const line of runCanary(order, env, signal)) {
      if (line.kind === 'report') report = line.report;
      else show(context, line, silent);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new CommandFailure('Stopped; the canary ended its browser.', { code: 'stopped', cause: error });
  }
  if (report) return report;
  throw new CommandFailure('The canary ended without a report.', { code: 'browser_failed' });
}

function show(
  { terminal, style }: CommandContext,
  line: Exclude<CanaryLine, { kind: 'report' }>,
  silent: boolean,
): void {
  if (line.kind === 'qr') {
    // Also for scripts: nobody else can scan it.
    terminal.err(silent ? jsonText({ qr: line.qr }) : drawQr(line.qr, terminal.color));
    if (!silent)
      terminal.err(style.dim('Scan it in WhatsApp on the phone: Settings, Linked devices, Link a device.\n'));
  } else if (line.kind === 'check' && !silent && isShown(line.check)) {
    terminal.out(checkLine(style, line.check));
  }
}

async function keep(report: CanaryReport, last: string, { report: file }: Options): Promise<void> {
  const text = jsonText(report);
  await replaceFile(last, text);
  if (file !== undefined) await replaceFile(resolve(file), text);
}

function finish(
  context: CommandContext,
  command: Command,
  report: CanaryReport,
  before: CanaryReport | null,
): void {
  const changes: CanaryChanges | null = before === null ? null : compareReports(before, report);
  context.show(command, { ...report, changes }, () => {
    const changed = before === null || changes === null ? '' : changesText(context.style, before, changes);
    return `${reportText(context.style, report)}${changed}`;
  });
  const failed = report.checks.filter(({ status }) => status === 'failed').length;
  if (failed > 0)
    throw new CommandFailure(
      `${count(failed, 'check')} failed: WhatsApp Web is not as Wharf takes it to be. Do not bring these versions to the fleet.`,
      { code: 'canary_failed' },
    );
}
