import { readFile, writeFile } from 'node:fs/promises';
import { onTestFinished } from 'vitest';
import { WharfError } from '../../../../common/errors.ts';
import { createLogger } from '../../../../common/logger.ts';
import type { ChatMessage } from '../../../../fleet/messages.ts';
import type { Session } from '../../../../instance/session/session.ts';
import { findChromium } from '../../../../instance/whatsapp/chromium.ts';
import type {
  ClientTimeouts,
  LinkedAccount,
  LossReason,
  WhatsAppClient,
} from '../../../../instance/whatsapp/client.ts';
import { whatsappWebJsClients } from '../../../../instance/whatsapp/page-client.ts';
import { EmulatedWhatsApp } from '../../../helpers/emulated-whatsapp.ts';
import { eventually } from '../../../helpers/eventually.ts';
import { type LogLine, SessionHost, type SessionHostOptions } from '../../../helpers/session-host.ts';

/** An emulator for the test that runs. */
export async function emulatedWhatsApp(
  faults?: Parameters<typeof EmulatedWhatsApp.start>[0],
): Promise<EmulatedWhatsApp> {
  const whatsapp = await EmulatedWhatsApp.start(faults);
  onTestFinished(() => whatsapp.close());
  return whatsapp;
}

/** The sessions of an instance, closed when the test that runs has ended. */
export async function sessionHost(
  whatsapp: EmulatedWhatsApp,
  options: SessionHostOptions = {},
): Promise<SessionHost> {
  const host = await SessionHost.start(whatsapp, options);
  onTestFinished(() => host.close());
  return host;
}

/** A client of the instance, and all it told. */
export interface WatchedClient {
  client: WhatsAppClient;
  qrs: string[];
  ready: LinkedAccount[];
  messages: ChatMessage[];
  losses: LossReason[];
  corrupted: string[];
  loggedOut: number;
  log: LogLine[];
}

/**
 * A client that is not started, on a directory for LocalAuth; killed when the test that runs has ended.
 *
 * @param left milliseconds that remain of its authority; it is fed when it is told so
 */
export async function watchedClient(
  whatsapp: EmulatedWhatsApp,
  dataPath: string,
  timeouts: Partial<ClientTimeouts> = {},
  left: () => number = () => 3_600_000,
): Promise<WatchedClient> {
  const { httpsPort, spki } = whatsapp.emulator;
  const seen: Omit<WatchedClient, 'client'> = {
    qrs: [],
    ready: [],
    messages: [],
    losses: [],
    corrupted: [],
    loggedOut: 0,
    log: [],
  };
  const factory = whatsappWebJsClients(
    {
      chromium: await findChromium(null, 'auto'),
      webResolve: `127.0.0.1:${httpsPort}`,
      webSpki: spki,
      timeouts: { start: 30_000, stop: 30_000, ping: 10_000, read: 20_000, send: 60_000, ...timeouts },
    },
    createLogger('debug', {}, { write: (line) => seen.log.push(JSON.parse(line)) }),
  );
  const watched: WatchedClient = Object.assign(seen, {
    client: factory({
      workspace: '7',
      session: 'main',
      dataPath,
      proxy: null,
      authority: {
        left,
        require: () => {
          if (left() <= 0) throw new WharfError('ownership_unproved', 'the authority of the test ran out');
        },
      },
      events: {
        qr: (code) => seen.qrs.push(code),
        authenticated: () => {},
        ready: (account) => seen.ready.push(account),
        happened: (happening) => {
          if (happening.kind === 'message') seen.messages.push(happening.message);
        },
        corrupted: (detail) => seen.corrupted.push(detail),
        lost: (reason) => seen.losses.push(reason),
        loggedOut: () => {
          watched.loggedOut += 1;
        },
      },
    }),
  });
  onTestFinished(() => watched.client.kill());
  return watched;
}

/** Starts a client, scans its QR, and returns when it is ready. */
export async function linkClient(
  whatsapp: EmulatedWhatsApp,
  watched: WatchedClient,
  phone: string,
): Promise<void> {
  await watched.client.start();
  await eventually(() => watched.qrs.length > 0);
  await whatsapp.post('/scan', { qr: watched.qrs.at(-1), phone });
  await eventually(() => watched.ready.length > 0);
}

/** Makes a stopped session's profile what it is after a kill: no clean stop is noted. */
export async function forgetCleanStop(host: SessionHost, session: Session): Promise<void> {
  const path = host.paths.profileRecord(host.generation(session));
  const record = JSON.parse(await readFile(path, 'utf8'));
  await writeFile(path, JSON.stringify({ ...record, clean_stop: false }));
}
