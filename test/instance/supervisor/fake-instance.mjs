import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';

/*
 * Stands in for an instance's process: says what it must to its supervisor, and runs a process with a browser's arguments for each workspace.
 * What it hears goes to the file FAKE_HEARD, a line each. FAKE_FAULT names what it does wrong: `never_ready`, `silent` (no beats), `deaf` (answers nothing), `dies` (ends once it is ready).
 */
const fault = process.env.FAKE_FAULT ?? '';
const sessions = process.env.WHATSAPP_SESSION_PATH;
const browsers = new Map();

const say = (message) => process.send?.(message, () => {});

function run({ workspace }) {
  // Not a shell: for a moment after each fork a child of one looks like a second browser.
  const script = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 60_000)';
  const directory = `--user-data-dir=${sessions}/workspace_${workspace}/session_a/gen-1/session-a`;
  browsers.set(
    workspace,
    spawn(process.execPath, ['-e', script, 'browser', directory], { detached: true, stdio: 'ignore' }),
  );
}

async function end(workspace) {
  const browser = browsers.get(workspace);
  browsers.delete(workspace);
  if (browser === undefined) return;
  const ended = new Promise((resolve) => browser.once('exit', resolve));
  process.kill(-browser.pid, 'SIGKILL');
  await ended;
}

process.on('message', async (message) => {
  appendFileSync(process.env.FAKE_HEARD, `${JSON.stringify({ pid: process.pid, ...message })}\n`);
  if (fault === 'deaf' && message.kind !== 'run') return;
  if (message.kind === 'run') run(message);
  if (message.kind === 'kill' || message.kind === 'close') {
    await end(message.workspace);
    say({ kind: 'ended', id: message.id, workspaces: [message.workspace] });
  }
  if (message.kind === 'close_all') {
    const workspaces = [...browsers.keys()];
    await Promise.all(workspaces.map(end));
    say({ kind: 'ended', id: message.id, workspaces });
  }
});
process.on('disconnect', async () => {
  await Promise.all([...browsers.keys()].map(end));
  process.exit(1);
});
process.on('SIGTERM', () => process.exit(0));

if (fault !== 'never_ready') {
  say({ kind: 'ready', url: `http://127.0.0.1:${process.env.PORT || 4711}`, pid: process.pid });
  if (process.env.FAKE_CLAIM) say({ kind: 'claim', id: 1, workspace: process.env.FAKE_CLAIM });
}
if (fault !== 'silent') setInterval(() => say({ kind: 'beat' }), 100);
if (fault === 'dies') setTimeout(() => process.exit(3), 20);
if (fault === 'never_ready') process.exit(3);
