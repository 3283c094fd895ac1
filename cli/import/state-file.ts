import { z } from 'zod';
import { readJson, replaceFile } from '../../common/files.ts';
import { restoreIdSchema } from '../../fleet/backup/restore-ids.ts';
import { sessionIdSchema, workspaceIdSchema } from '../../fleet/ids.ts';
import { itemKey } from './plan.ts';

const entrySchema = z.strictObject({
  directory: z.string(),
  workspace_id: workspaceIdSchema,
  session_id: sessionIdSchema,
  /** What it was prepared under on the shared storage. */
  import: restoreIdSchema,
  /** `ordered`: its owner was asked, and may have it in place. */
  state: z.enum(['ordered', 'imported']),
  at: z.iso.datetime(),
});
type Entry = z.infer<typeof entrySchema>;

const fileSchema = z.strictObject({ version: z.literal(1), imports: z.array(entrySchema) });

/** What was imported, in a file: an import that was cut off is gone on with, and nothing is imported twice. */
export class ImportState {
  readonly path: string;
  readonly #entries: Map<string, Entry>;
  #written: Promise<void> = Promise.resolve();

  private constructor(path: string, entries: readonly Entry[]) {
    this.path = path;
    this.#entries = new Map(entries.map((entry) => [keyOf(entry), entry]));
  }

  /** Throws WharfError `storage_unavailable` where the file cannot be read or understood. */
  static async read(path: string): Promise<ImportState> {
    return new ImportState(path, (await readJson(path, fileSchema))?.imports ?? []);
  }

  /** Keys ({@link itemKey}) of what has come so far. */
  keys(state: Entry['state']): ReadonlySet<string> {
    return new Set([...this.#entries].filter(([, entry]) => entry.state === state).map(([key]) => key));
  }

  /** The import that its owner was asked for, and whose answer is not known. */
  ordered(key: string): string | null {
    const entry = this.#entries.get(key);
    return entry?.state === 'ordered' ? entry.import : null;
  }

  /** Writes down how far a profile has come. Throws WharfError `storage_unavailable`. */
  async note(entry: Entry): Promise<void> {
    this.#entries.set(keyOf(entry), entry);
    await this.#write();
  }

  /** Nothing was done with it after all. */
  async forget(key: string): Promise<void> {
    if (this.#entries.delete(key)) await this.#write();
  }

  /** One after the other: each has all that is known when its turn comes. */
  async #write(): Promise<void> {
    const write = () =>
      replaceFile(
        this.path,
        `${JSON.stringify({ version: 1, imports: [...this.#entries.values()] }, null, 2)}\n`,
      );
    this.#written = this.#written.then(write, write);
    await this.#written;
  }
}

function keyOf({ directory, workspace_id, session_id }: Entry): string {
  return itemKey(directory, { workspace: workspace_id, session: session_id });
}
