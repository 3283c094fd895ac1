import type { Command } from 'commander';
import { sessionSummarySchema } from '../../fleet/records.ts';
import type { CommandContext } from '../context.ts';
import { linkByQr } from '../link-by-qr.ts';
import { sessionText } from '../sessions.ts';

interface Options {
  account?: string;
  proxy?: string;
  qr?: boolean;
}

/** `wharf sessions create`: makes a session, and links it at once under `--qr`. */
export function addSessionsCreateCommand(parent: Command, context: CommandContext): void {
  parent
    .command('create')
    .description('create a session; again with the same words, it is the same session')
    .argument('<workspace>', 'id of the workspace: a number, or 1-64 characters of A-Z a-z 0-9 _ -')
    .argument('[session]', "id of the session: 1-64 characters of A-Z a-z 0-9 _ - (default: the workspace's)")
    .option('--account <id>', "your own system's id of the account")
    .option('--proxy <url>', 'the proxy its browser goes out through: http://host:port, socks5://host:port')
    .option('--qr', 'show the QR, and wait until it is linked')
    .addHelpText(
      'after',
      '\nExamples:\n  $ wharf sessions create 7\n  $ wharf sessions create 7 sales --qr\n  $ wharf sessions create acme support --proxy socks5://10.0.0.9:1080',
    )
    .action(async (workspace: string, session: string | undefined, options: Options, command: Command) => {
      const router = await context.router(command);
      const made = await router.ask(sessionSummarySchema, {
        method: 'POST',
        path: '/api/whatsapp/sessions',
        body: {
          workspace_id: workspace,
          ...(session === undefined ? {} : { session_id: session }),
          ...(options.account === undefined ? {} : { account_id: options.account }),
          ...(options.proxy === undefined ? {} : { proxy: options.proxy }),
        },
      });
      if (options.qr) {
        await linkByQr(context, command, router, made.session_id, { workspace });
        return;
      }
      context.show(command, made, () => {
        const next = context.style.dim(
          `Link it: wharf sessions qr ${made.session_id} --workspace ${workspace}`,
        );
        return `${sessionText(context.style, made, context.terminal.now())}${next}\n`;
      });
    });
}
