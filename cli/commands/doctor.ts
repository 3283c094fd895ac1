import { hostname } from 'node:os';
import type { Command } from 'commander';
import { findChromium } from '../../instance/whatsapp/chromium.ts';
import type { CommandContext, GlobalOptions } from '../context.ts';
import { checkBackupStore } from '../doctor/backup-store.ts';
import { checkChromium } from '../doctor/chromium.ts';
import type { Finding } from '../doctor/finding.ts';
import { checkFleet } from '../doctor/fleet.ts';
import { checkHostName } from '../doctor/host-name.ts';
import { checkMediaBucket } from '../doctor/media-bucket.ts';
import { checkNode } from '../doctor/node-version.ts';
import { checkQueueRedis, checkRedis } from '../doctor/redis.ts';
import { checkSessionPath } from '../doctor/session-path.ts';
import { CommandFailure } from '../failure.ts';
import { readLocalFleet } from '../local-fleet/record.ts';
import { paintStatus } from '../output/style.ts';
import { renderTable } from '../output/table.ts';
import { count } from '../output/text.ts';
import { dataDirectory } from '../target.ts';

interface Options extends GlobalOptions {
  chromium: boolean;
}

/** `wharf doctor`: whether this host can run Wharf. */
export function addDoctorCommand(parent: Command, context: CommandContext): void {
  parent
    .command('doctor')
    .description('check this host: Chromium, Redis, the session path, its name, and its place in the fleet')
    .option('--no-chromium', 'do not look for Chromium: this host runs no instance')
    .addHelpText(
      'after',
      '\nLooks at CHROMIUM_PATH, REDIS_URL, QUEUE_REDIS_URL, WHATSAPP_SESSION_PATH and MEDIA_S3_BUCKET as an instance would,\nat BACKUP_S3_BUCKET or BACKUP_DIRECTORY as the backup service would; where REDIS_URL and WHATSAPP_SESSION_PATH are not set, at those of the\nlocal fleet. Writes only into a directory of its own under the session path and places of its own where media and backups are kept, and\nremoves what it wrote.\n\nExamples:\n  $ wharf doctor\n  $ REDIS_URL=redis://10.0.0.5:6379 WHATSAPP_SESSION_PATH=/mnt/efs/sessions wharf doctor',
    )
    .action(async (_options: unknown, command: Command) => {
      const findings = await examine(context, command.optsWithGlobals<Options>());
      context.show(command, { findings }, () => findingsText(context, findings));
      const failed = findings.filter((finding) => finding.status === 'failed').length;
      if (failed > 0) throw new CommandFailure(`${count(failed, 'check')} failed.`, { code: 'host_not_fit' });
    });
}

async function examine({ terminal: { env } }: CommandContext, options: Options): Promise<Finding[]> {
  const local = await readLocalFleet(dataDirectory(options));
  const redisUrl = env['REDIS_URL'] || local?.redis_url || undefined;
  const sessionPath = env['WHATSAPP_SESSION_PATH'] || local?.session_path || undefined;
  const queueRedisUrl = env['QUEUE_REDIS_URL'] || undefined;
  const production = env['NODE_ENV'] === 'production';
  const durability = env['QUEUE_DURABILITY'] === 'replicas' ? 'replicas' : 'file';
  return [
    checkNode(process.version),
    ...(options.chromium
      ? await checkChromium(() => findChromium(env['CHROMIUM_PATH'] || null, 'auto'))
      : []),
    ...(await checkRedis(redisUrl, queueRedisUrl === undefined ? { production, durability } : undefined)),
    ...(queueRedisUrl === undefined ? [] : await checkQueueRedis(queueRedisUrl, production, durability)),
    ...(await checkSessionPath(sessionPath)),
    ...(await checkMediaBucket(env)),
    ...(await checkBackupStore(env, sessionPath)),
    checkHostName(hostname()),
    ...(await checkFleet(redisUrl, sessionPath)),
  ];
}

function findingsText({ style }: CommandContext, findings: Finding[]): string {
  const rows = findings.map((finding) => [
    paintStatus(style, finding.status),
    finding.subject,
    finding.detail,
  ]);
  const hints = findings.filter((finding) => finding.hint !== undefined && finding.status !== 'ok');
  const advice = hints.map((finding) => `${style.bold(finding.subject)}: ${finding.hint}\n`).join('');
  return `${renderTable(style, ['', 'CHECK', 'FOUND'], rows)}${advice === '' ? '' : `\n${advice}`}`;
}
