import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupId } from '../../../fleet/backup/api.ts';
import { parseGenerationDirectory, SessionPaths } from '../../../fleet/session-paths.ts';
import type { ProvenSession } from '../messages/fleet.ts';
import type { EmulatedPhones } from './emulated.ts';
import { BackupFleet } from './fleet.ts';
import type { LibraryStart } from './library-start.ts';
import { untar } from './tar.ts';

/** What came of the archives of one backup, or of one tar. */
export interface Started {
  /** Sessions that were ready at their first start, and at another one after it. */
  first: number;
  second: number;
  /** QR codes that were asked for. */
  qr: number;
  /** What was not ready, and how it was; with the start. */
  others: string[];
}

/** How many sessions have come up, and the others with their state. */
function count(statuses: ReadonlyMap<string, string>, start: string): { ready: number; others: string[] } {
  const others = [...statuses].filter(([, status]) => status !== 'ready');
  return {
    ready: statuses.size - others.length,
    others: others.map(([session, status]) => `${session}: ${status} (${start} start)`),
  };
}

/** Starts what is linked already where nothing of the first fleet is left: other share, other Redis; WhatsApp alone is the same. */
export class Starts {
  readonly #directory: string;
  readonly #emulated: EmulatedPhones;
  readonly #store: Readonly<Record<string, string>>;
  readonly #sessions: readonly ProvenSession[];
  readonly #say: (text: string) => void;
  #made = 0;

  constructor(parts: {
    directory: string;
    emulated: EmulatedPhones;
    store: Readonly<Record<string, string>>;
    sessions: readonly ProvenSession[];
    say: (text: string) => void;
  }) {
    this.#directory = parts.directory;
    this.#emulated = parts.emulated;
    this.#store = parts.store;
    this.#sessions = parts.sessions;
    this.#say = parts.say;
  }

  /** A backup, restored into an empty session path of a fleet that never saw it, and its sessions started twice. */
  async fromBackup(backup: BackupId): Promise<Started> {
    return await this.#inFleet(async (fleet) => {
      const restore = await fleet.restore({ at: backup });
      if (restore.state !== 'done')
        this.#say(
          `the restore of ${backup} is ${restore.state}: ${JSON.stringify(restore.sessions.filter(({ state }) => state !== 'restored')).slice(0, 2000)}`,
        );
    });
  }

  /** A tar of the share, unpacked and started by Wharf, which repairs torn logs when it opens a profile. */
  async fromTar(tar: string): Promise<Started> {
    const share = join(this.#next(), 'sessions');
    await mkdir(join(share, '..'), { recursive: true });
    await untar(tar, share);
    return await this.#inFleet(async () => {}, share);
  }

  /** A tar of the share, unpacked and started by plain whatsapp-web.js. */
  async fromTarByLibrary(tar: string, library: LibraryStart): Promise<Started> {
    const share = this.#next();
    await untar(tar, share);
    const sessions = await Promise.all(
      this.#sessions.map(async (session) => ({
        ...session,
        generation: await newestGeneration(share, session),
      })),
    );
    const since = await this.#emulated.position();
    const first = count(await library.start(share, sessions), 'first');
    const second = count(await library.start(share, sessions), 'second');
    const qr = await this.#emulated.qrAsked(since);
    await rm(share, { recursive: true, force: true });
    return { first: first.ready, second: second.ready, qr, others: [...first.others, ...second.others] };
  }

  async #inFleet(prepare: (fleet: BackupFleet) => Promise<void>, sessionPath?: string): Promise<Started> {
    const wanted = this.#sessions.map(({ session }) => session);
    const since = await this.#emulated.position();
    const directory = sessionPath === undefined ? this.#next() : join(sessionPath, '..');
    const fleet = await BackupFleet.start({
      directory,
      emulated: this.#emulated,
      // As many as there were: what one owned that is not there would have to be taken over first.
      instances: 2,
      store: sessionPath === undefined ? this.#store : null,
      ...(sessionPath === undefined ? {} : { sessionPath }),
    });
    try {
      await prepare(fleet);
      const first = count(await fleet.settled(wanted), 'first');
      await fleet.restartInstances();
      const second = count(await fleet.settled(wanted), 'second');
      const qr = await this.#emulated.qrAsked(since);
      return { first: first.ready, second: second.ready, qr, others: [...first.others, ...second.others] };
    } finally {
      await fleet.close();
    }
  }

  #next(): string {
    this.#made += 1;
    return join(this.#directory, `start-${this.#made}`);
  }
}

/** The generation that a session's profile is in; 1 where there is none. */
async function newestGeneration(share: string, { workspace, session }: ProvenSession): Promise<number> {
  const names = await readdir(new SessionPaths(share).session(workspace, session)).catch(() => []);
  return Math.max(1, ...names.flatMap((name) => parseGenerationDirectory(name) ?? []));
}
