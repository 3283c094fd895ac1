import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../../common/clock.ts';
import { exists } from '../../common/files.ts';
import { isWorkspaceId, showWorkspaceId } from '../../fleet/ids.ts';
import { SessionPaths } from '../../fleet/session-paths.ts';
import type { RouterClient } from '../client.ts';
import { type CommandContext, type GlobalOptions, isJson } from '../context.ts';
import { CommandFailure, EXIT_WRONG_USE } from '../failure.ts';
import { findFacts } from '../import/facts.ts';
import { Importer, type ImportResult } from '../import/importer.ts';
import { findOpenFiles, findUse } from '../import/in-use.ts';
import { readMapping } from '../import/mapping.ts';
import { requireOutsideFleets } from '../import/outside.ts';
import { type PlanItem, planImport } from '../import/plan.ts';
import { findProfiles } from '../import/profiles.ts';
import { ImportState } from '../import/state-file.ts';
import { isWell, planText, resultsText, wantedOf } from '../import/text.ts';
import { readLocalFleet } from '../local-fleet/record.ts';
import { Progress } from '../operations/progress.ts';
import { count } from '../output/text.ts';
import { dataDirectory } from '../target.ts';

interface Options {
  workspace?: string;
  map?: string;
  dryRun?: boolean;
  replace?: boolean;
  stopped?: boolean;
  state: string;
  parallel: number;
  wait: number;
  yes?: boolean;
}

const HELP = `
Takes the profiles of plain whatsapp-web.js clients (LocalAuth: .wwebjs_auth/session-ID; wwebjs-api: sessions/session-ID; RemoteAuth's, unpacked), and makes
sessions of them that stay linked. Stop the program that uses them first: one account must never be connected twice. The originals are only read.

Runs on a host that has the fleet's session path mounted (WHATSAPP_SESSION_PATH), as its user or as root. Each profile is copied there, without caches and
with torn logs mended; the instance that owns the workspace puts it in place and starts it. What is done is written to --state: after a break the same command goes on.

A mapping is CSV with the names of its columns in the first line, or a JSON list: client_id, workspace_id, and where wanted session_id (default: the client
id), account_id, proxy.

Examples:
  $ wharf import .wwebjs_auth --workspace 7 --dry-run
  $ wharf import .wwebjs_auth --workspace 7
  $ wharf import /srv/wwebjs-api/sessions --map tenants.csv --yes`;

/** `wharf import`: makes sessions of plain LocalAuth directories. */
export function addImportCommand(parent: Command, context: CommandContext): void {
  parent
    .command('import')
    .description('make sessions of the profiles of plain whatsapp-web.js clients, which stay linked')
    .argument('<directory>', "LocalAuth's data path, or one profile")
    .option(
      '-w, --workspace <id>',
      'all of them become sessions of this workspace, named by their client id',
      workspaceId,
    )
    .option('--map <file>', 'which profile becomes which session: CSV or JSON')
    .option('--dry-run', 'only show what would be done with each')
    .option('--replace', 'also where a session of that name is there already; that one goes to the trash')
    .option(
      '--stopped',
      'locks that name another machine or container mean nothing: what used the profiles has ended',
    )
    .option('--state <file>', 'where it is noted what was imported', 'wharf-import.json')
    .option('--parallel <number>', 'profiles that are brought in at one time, 1 to 32', wholeNumber(1, 32), 4)
    .option(
      '--wait <seconds>',
      'how long a session is waited for to be ready; 0: not at all',
      wholeNumber(0, 3600),
      180,
    )
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', HELP)
    .action(async (directory: string, options: Options, command: Command) => {
      if ((options.workspace === undefined) === (options.map === undefined))
        throw wrongUse(
          'Say with --workspace or with --map (one of them) which sessions the profiles become.',
        );
      await importAll(context, command, directory, options);
    });
}

async function importAll(
  context: CommandContext,
  command: Command,
  directory: string,
  options: Options,
): Promise<void> {
  const paths = await sessionPaths(context, command);
  const profiles = await findProfiles(directory);
  await requireOutsideFleets(profiles, paths.root);
  const state = await ImportState.read(resolve(options.state));
  const router = await context.router(command);
  const silent = isJson(command);
  const mapping =
    options.map === undefined ? { workspace: options.workspace ?? '' } : await readMapping(options.map);
  const { stopped = false, replace = false } = options;
  const { facts, unseen } = await findFacts({ profiles, mapping, router, state, stopped, replace });
  if (unseen > 0 && !silent)
    context.terminal.err(
      `${context.style.warning('Note:')} the files of ${count(unseen, 'process', 'processes')} of other users cannot be seen. Run as root to be sure that none of them uses a profile.\n`,
    );
  const plan = planImport(facts);
  if (options.dryRun) {
    context.show(command, { dry_run: true, sessions: plan.map(shownPlan) }, () => planText(context, plan));
    return;
  }
  const wanted = wantedOf(plan);
  if (!silent) context.terminal.err(`${planText(context, plan)}\n`);
  if (wanted.length > 0)
    await context.confirm(
      `Import ${count(wanted.length, 'session')}? What used these profiles must not be started again while they are linked here.`,
      options.yes,
    );
  const results = await carryOut({ context, paths, router, state, options, silent }, wanted);
  const left = plan.filter((item) => !wanted.includes(item));
  const shown = [...results.map(shownResult), ...left.map(shownPlan)];
  context.show(command, { dry_run: false, sessions: shown }, () => resultsText(context, results));
  requireWell(context, plan, wanted, results, options.wait > 0);
}

interface Surroundings {
  context: CommandContext;
  router: RouterClient;
  state: ImportState;
  options: Options;
  silent: boolean;
}

async function carryOut(
  { context, paths, router, state, options, silent }: Surroundings & { paths: SessionPaths },
  wanted: readonly PlanItem[],
): Promise<ImportResult[]> {
  const progress = new Progress(context, silent);
  const doing = new Map<PlanItem, string>();
  const importer = new Importer({
    paths,
    router,
    state,
    useOf: async (userData) => await findUse(userData, await findOpenFiles()),
    clock: systemClock,
    signal: context.terminal.signal,
    replace: options.replace ?? false,
    parallel: options.parallel,
    wait: options.wait * 1000,
    told: (item, now) => {
      doing.set(item, now);
      const at = (what: string) => [...doing.values()].filter((one) => one === what).length;
      progress.at(
        `${at('done')} of ${wanted.length} done; ${at('copying')} copying, ${at('placing')} being put in place, ${at('starting')} starting`,
      );
    },
  });
  const results = await importer.run(wanted);
  progress.end();
  return results;
}

function requireWell(
  { terminal }: CommandContext,
  plan: readonly PlanItem[],
  wanted: readonly PlanItem[],
  results: readonly ImportResult[],
  waited: boolean,
): void {
  if (terminal.signal.aborted)
    throw new CommandFailure('Stopped. The same command goes on where it was.', { code: 'stopped' });
  const bad = results.filter((result) => !isWell(result, waited)).length;
  const refused = plan.filter(({ action }) => action === 'refused').length;
  if (bad + refused === 0) return;
  const said = [
    ...(bad > 0 ? [`${bad} of ${count(wanted.length, 'session')} failed, or did not become ready`] : []),
    ...(refused > 0 ? [`${count(refused, 'profile')} refused`] : []),
  ];
  throw new CommandFailure(
    `${said.join('; ')}. Mend the reason and run the same command again: what is imported stays, and is not imported twice.`,
    { code: 'import_failed' },
  );
}

/** The fleet's session path as it is mounted here. A directory that is none would be filled for nobody. */
async function sessionPaths({ terminal }: CommandContext, command: Command): Promise<SessionPaths> {
  const local = await readLocalFleet(dataDirectory(command.optsWithGlobals<GlobalOptions>()));
  const root = terminal.env['WHATSAPP_SESSION_PATH'] || local?.session_path;
  if (!root)
    throw wrongUse(
      'WHATSAPP_SESSION_PATH is not set: it names the session path of the fleet, which must be mounted on this host.',
    );
  const paths = new SessionPaths(root);
  if (await exists(paths.fleet())) return paths;
  throw new CommandFailure(
    `${paths.root} is no session path of a fleet: there is no ${join(paths.root, 'fleet')}. Is the shared storage mounted there?`,
    { code: 'storage_unavailable' },
  );
}

function shownPlan({ profile, target, action, refusal }: PlanItem) {
  return {
    client_id: profile.clientId,
    directory: profile.directory,
    workspace_id: target === null ? null : showWorkspaceId(target.workspace),
    session_id: target?.session ?? null,
    action,
    refusal,
    bytes: profile.bytes,
    left_out_bytes: profile.leftOutBytes,
    chromium: profile.chromium,
  };
}

function shownResult({ item, outcome, status, phone, error, tornLogs, notes }: ImportResult) {
  return { ...shownPlan(item), outcome, status, phone_number: phone, error, torn_logs: tornLogs, notes };
}

function workspaceId(text: string): string {
  if (isWorkspaceId(text)) return text;
  throw new InvalidArgumentError('It must be a whole number, or 1 to 64 of the characters A-Z a-z 0-9 _ -.');
}

function wholeNumber(least: number, most: number) {
  return (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

function wrongUse(message: string): CommandFailure {
  return new CommandFailure(message, { code: 'wrong_use', exitCode: EXIT_WRONG_USE });
}
