import { mkdir, rename, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { SessionName } from '../../backup/fleet/sessions-on-storage.ts';
import type { Coordination } from '../../fleet/coordination.ts';
import type { Registry } from '../../fleet/registry.ts';
import { type SessionPaths, trashEntryName } from '../../fleet/session-paths.ts';
import { aSessionRecord } from './backed-up-session.ts';
import { type MadeCopy, makeCopy, type SessionFiles } from './copyable-sessions.ts';
import { FakeInstance } from './fake-instance.ts';
import { refuse } from './fake-problem.ts';

/** What a test does to a copy; true: it has answered. */
export type CopyFault = (asked: string, response: ServerResponse) => boolean | Promise<boolean>;

/** What a copying instance needs. */
export interface CopyingInstanceOptions {
  id: string;
  registry: Registry;
  coordination: Pick<Coordination, 'recordAssignment'>;
  token: string;
  paths: SessionPaths;
}

/** A fake instance that owns workspaces, puts their sessions on the session path, and copies them over HTTP as a real one does. */
export class CopyingInstance {
  readonly instance: FakeInstance;
  /** Called first for each request about a copy: `POST 7/main`, `GET 7/main/archive`, `GET 7/main/pieces/..`, `DELETE 7/main`. */
  fault: CopyFault = () => false;
  /** What was asked about copies. */
  readonly asked: string[] = [];
  readonly #options: CopyingInstanceOptions;
  readonly #sessions = new Map<string, { name: SessionName; files: SessionFiles }>();
  readonly #copies = new Map<string, MadeCopy>();

  constructor(options: CopyingInstanceOptions) {
    this.#options = options;
    this.instance = new FakeInstance({ ...options, capacity: 10_000 });
    this.instance.intercept = (request, response, body) => this.#take(request, response, body);
  }

  async start(): Promise<this> {
    await this.instance.start();
    return this;
  }

  /** Owns a workspace from now on. */
  async own(workspace: string, epoch = 3): Promise<void> {
    await this.#options.coordination.recordAssignment({
      workspace_id: workspace,
      epoch,
      instance: this.instance.id,
      incarnation: this.instance.incarnation,
      claimed: true,
      since: 0,
    });
  }

  /** Makes a session, or changes its profile. */
  async set(workspace: string, session: string, files: SessionFiles): Promise<void> {
    const { paths } = this.#options;
    const path = paths.session(workspace, session);
    await mkdir(path, { recursive: true });
    const record = aSessionRecord({ workspace_id: workspace, session_id: session, linked: files !== null });
    await writeFile(paths.sessionRecord(workspace, session), JSON.stringify(record));
    this.#sessions.set(`${workspace}/${session}`, { name: { workspace, session }, files });
  }

  /** Moves a session to the trash. */
  async delete(workspace: string, session: string): Promise<void> {
    const { paths } = this.#options;
    this.#sessions.delete(`${workspace}/${session}`);
    await mkdir(paths.trash(workspace), { recursive: true });
    const entry = trashEntryName({ time: Date.now(), session, generation: null });
    await rename(paths.session(workspace, session), join(paths.trash(workspace), entry));
  }

  async stop(): Promise<void> {
    await this.instance.stop();
  }

  async #take(request: IncomingMessage, response: ServerResponse, body: string): Promise<boolean> {
    const [, workspace, session, rest] =
      /^\/workspaces\/([^/]+)\/sessions\/([^/]+)\/copies(?:\/[^/]+)?(.*)$/.exec(request.url ?? '') ?? [];
    if (workspace === undefined || session === undefined) return false;
    const key = `${workspace}/${session}`;
    const asked = `${request.method} ${key}${request.method === 'GET' ? rest : ''}`;
    this.asked.push(asked);
    if (await this.fault(asked, response)) return true;
    const known = this.#sessions.get(key);
    if (!known) return refuse(response, 404, 'session_not_found');
    if (request.method === 'POST') {
      const copy = await makeCopy(known.name, known.files, { instance: this.instance.id });
      for (const sha256 of JSON.parse(body).have) copy.objects.delete(sha256);
      if (copy.answer.copy) this.#copies.set(copy.answer.copy, copy);
      response.writeHead(201, { 'Content-Type': 'application/json' }).end(JSON.stringify(copy.answer));
      return true;
    }
    const id = /\/copies\/([^/]+)/.exec(request.url ?? '')?.[1] ?? '';
    const copy = this.#copies.get(id);
    if (request.method === 'DELETE') this.#copies.delete(id);
    const sha256 = rest === '/archive' ? copy?.answer.archive?.sha256 : rest?.replace('/pieces/', '');
    const content = request.method === 'DELETE' ? Buffer.alloc(0) : copy?.objects.get(sha256 ?? '');
    if (!content) return refuse(response, 404, 'not_found');
    response.writeHead(200, { 'Content-Type': 'application/octet-stream' }).end(content);
    return true;
  }
}
