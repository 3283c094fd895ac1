import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../../common/clock.ts';
import { systemClock } from '../../../common/clock.ts';
import { createLogger } from '../../../common/logger.ts';
import type { SessionRecord } from '../../../fleet/records.ts';
import { type GenerationName, SessionPaths } from '../../../fleet/session-paths.ts';
import type { CopySubject } from '../../../instance/copies/copy-profile.ts';
import { ScratchRoom } from '../../../instance/copies/scratch-room.ts';
import { SessionCopies } from '../../../instance/copies/session-copies.ts';
import { FetchedCopies } from '../../helpers/fetched-copies.ts';
import { aRecord } from '../../helpers/session-record.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

const DATABASE = 'Default/IndexedDB/https_web.whatsapp.com_0.indexeddb.leveldb';
export const LOG = `${DATABASE}/000003.log`;
export const TABLE = `${DATABASE}/000005.ldb`;

/** A session that tests turn as they like: whatever a copy asks of it may be changed at any time. */
export type TestSubject = { -readonly [Name in keyof CopySubject]: CopySubject[Name] };

/** A linked session at rest, its profile on the disk, and copies of it. */
export class CopiedSession {
  readonly paths: SessionPaths;
  readonly scratch: string;
  readonly copies: SessionCopies;
  readonly store: FetchedCopies;
  readonly subject: TestSubject;
  /** What a copy asks for at each look at the session; may throw. */
  find: () => CopySubject;
  readonly lines: Record<string, unknown>[] = [];

  private constructor(root: string, scratch: string, options: CopiedSessionOptions) {
    this.paths = new SessionPaths(root);
    this.scratch = scratch;
    this.subject = {
      record: aRecord({ linked: true, link_id: 'link-1', ...options.record }),
      status: 'stopped',
      epoch: 3,
      browserPid: undefined,
      lives: 1,
      isAtRest: true,
      authority: { left: () => 60_000, require: () => {} },
    };
    this.find = () => this.subject;
    this.copies = this.anew(options);
    this.store = new FetchedCopies(this.copies);
  }

  static async make(options: CopiedSessionOptions = {}): Promise<CopiedSession> {
    const root = await temporaryDirectory();
    const made = new CopiedSession(root, options.scratch ?? join(root, 'scratch'), options);
    await made.write(`${DATABASE}/CURRENT`, 'MANIFEST-000001\n');
    await made.write(`${DATABASE}/MANIFEST-000001`, 'manifest');
    await made.write(LOG, 'log of the database');
    await made.write(TABLE, Buffer.alloc(300_000, 'table'));
    await made.write('Default/Local Storage/leveldb/CURRENT', 'MANIFEST-000001\n');
    return made;
  }

  /** Another life of the instance: it remembers nothing. */
  anew({ limit, clock }: CopiedSessionOptions = {}): SessionCopies {
    return new SessionCopies({
      instance: 'instance-1',
      find: () => this.find(),
      paths: this.paths,
      room: new ScratchRoom(this.scratch, 'copies', limit),
      clock: clock ?? systemClock,
      log: createLogger('debug', {}, { write: (line) => this.lines.push(JSON.parse(line)) }),
    });
  }

  get name(): GenerationName {
    return { workspace: '7', session: 'main', generation: this.subject.record.generation };
  }

  get userData(): string {
    return this.paths.userData(this.name);
  }

  async write(path: string, content: string | Uint8Array): Promise<void> {
    await mkdir(dirname(join(this.userData, path)), { recursive: true });
    await writeFile(join(this.userData, path), content);
  }

  async append(path: string, content: string | Uint8Array): Promise<void> {
    await appendFile(join(this.userData, path), content);
  }

  /** From now on a browser runs on it. */
  live(browserPid: number): void {
    Object.assign(this.subject, { status: 'ready', isAtRest: false, browserPid });
  }
}

interface CopiedSessionOptions {
  record?: Partial<SessionRecord>;
  scratch?: string;
  /** Bytes that copies may hold. */
  limit?: number;
  clock?: Clock;
}
