/**
 * Wharf under PM2 instead of systemd, for those whose machines are run that way: pm2 start ecosystem.config.cjs. See README.md beside this file
 * for what is lost. One file for all machines: which parts run here is said in /etc/wharf/pm2.env (WHARF_ROUTER=1, WHARF_INSTANCES=1,2, WHARF_BACKUP=1).
 */
const { readFileSync } = require('node:fs');
const { join, resolve } = require('node:path');
const { parseEnv } = require('node:util');

/** The same files as the units of systemd read; another directory by WHARF_SETTINGS. */
const settings = process.env.WHARF_SETTINGS ?? '/etc/wharf';
const wharf = resolve(__dirname, '../..');

/** What a file of NAME=value lines says; nothing where it is not there. One that cannot be read stops the start: its secrets would be missing. */
function read(name) {
  try {
    return parseEnv(readFileSync(join(settings, name), 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return {};
    throw error;
  }
}

const here = read('pm2.env');
const everywhere = { NODE_ENV: 'production', ...read('wharf.env') };

/** @param stopTime milliseconds from SIGINT, which means a clean stop, to SIGKILL */
function app(name, file, env, stopTime) {
  return {
    name: `wharf-${name}`,
    namespace: 'wharf',
    script: join(wharf, file),
    cwd: wharf,
    // One process that stands for itself. Cluster mode would share its port among several, which is not how routers or instances are run.
    exec_mode: 'fork',
    instances: 1,
    env,
    // SIGINT to this process alone. By default PM2 signals all below it too: browsers would close under their instance, which takes that for crashes.
    treekill: false,
    kill_timeout: stopTime,
    autorestart: true,
    // 0.1 s, then half as long again each time, up to 15 s; from the start again once it has run for 30 s. Never given up.
    exp_backoff_restart_delay: 100,
    min_uptime: 30_000,
    max_restarts: Number.MAX_SAFE_INTEGER,
    watch: false,
    merge_logs: true,
  };
}

const router = { ...everywhere, ...read('router.env') };
// WHARF_STOP_DELAY, then what is held, then 20 s for the rest: closeTime in router/context.ts, and some more.
const longestHold = Math.max(router.WHARF_HOLD_TIME || 5000, router.WHARF_MOVE_HOLD_TIME || 30_000);
const routerStopTime = Number(router.WHARF_STOP_DELAY || 0) + longestHold + 20_000;

const instances = (here.WHARF_INSTANCES ?? '').split(',').filter((number) => number !== '');

module.exports = {
  apps: [
    ...(here.WHARF_ROUTER === '1' ? [app('router', 'dist/router/main.js', router, routerStopTime)] : []),
    ...instances.map((number) =>
      app(
        `instance-${number}`,
        'dist/instance/supervisor/main.js',
        {
          ...everywhere,
          INSTANCE_ID: `instance-${number}`,
          ...read('instance.env'),
          ...read(`instance-${number}.env`),
        },
        // SHUTDOWN_TIMEOUT (30 s) for the browsers, then what the supervisor takes to see all processes end.
        90_000,
      ),
    ),
    ...(here.WHARF_BACKUP === '1'
      ? [app('backup', 'dist/backup/main.js', { ...everywhere, ...read('backup.env') }, 60_000)]
      : []),
  ],
};
