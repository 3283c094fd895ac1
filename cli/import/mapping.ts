import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf } from '../../common/errors.ts';
import { sessionIdSchema, workspaceIdSchema } from '../../fleet/ids.ts';
import { proxySchema } from '../../fleet/records.ts';
import { CommandFailure, EXIT_WRONG_USE } from '../failure.ts';

const optional = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => (value === '' || value === null ? undefined : value), schema.optional());

/** Which profile becomes which session: a line of the mapping. */
const mappedSchema = z.strictObject({
  /** LocalAuth's `clientId`, the `ID` of `session-ID`. */
  client_id: z.union([z.string(), z.number()]).transform(String).pipe(z.string().min(1)),
  workspace_id: workspaceIdSchema,
  /** Where it is not there: the client id. */
  session_id: optional(sessionIdSchema),
  account_id: optional(z.string().min(1).max(200)),
  proxy: optional(proxySchema),
});
export type Mapped = z.infer<typeof mappedSchema>;

const COLUMNS = Object.keys(mappedSchema.shape);

/**
 * Reads a mapping: JSON (a list of objects) or CSV (RFC 4180, the names of the columns in its first line), with `client_id`, `workspace_id`, and, where wanted,
 * `session_id`, `account_id`, `proxy`.
 *
 * @throws CommandFailure `invalid_mapping` with all faults
 */
export async function readMapping(path: string): Promise<Mapped[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw invalid(path, [messageOf(cause)], cause);
  });
  return parseMapping(text.replace(/^\uFEFF/, ''), path);
}

/** What {@link readMapping} does with the text. @param name of the file, for errors */
export function parseMapping(text: string, name: string): Mapped[] {
  const rows = /^\s*[[{]/.test(text) ? jsonRows(text, name) : csvRows(text, name);
  const faults: string[] = [];
  const mapped: Mapped[] = [];
  for (const [index, row] of rows.entries()) {
    const parsed = mappedSchema.safeParse(row);
    if (parsed.success) mapped.push(parsed.data);
    else
      for (const issue of parsed.error.issues)
        faults.push(
          `entry ${index + 1}: ${issue.path.join('.')}${issue.path.length > 0 ? ': ' : ''}${issue.message}`,
        );
  }
  if (rows.length === 0) faults.push('it is empty');
  faults.push(...doubles(mapped));
  if (faults.length > 0) throw invalid(name, faults);
  return mapped;
}

function doubles(mapped: readonly Mapped[]): string[] {
  const clients = new Set<string>();
  const sessions = new Set<string>();
  const faults: string[] = [];
  for (const { client_id, workspace_id, session_id } of mapped) {
    const session = `${workspace_id}/${session_id ?? client_id}`;
    if (clients.has(client_id)) faults.push(`client_id ${client_id} stands in it twice`);
    if (sessions.has(session)) faults.push(`two profiles would become session ${session}`);
    clients.add(client_id);
    sessions.add(session);
  }
  return faults;
}

function jsonRows(text: string, name: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value;
    throw new Error('it is JSON and no list');
  } catch (cause) {
    throw invalid(name, [messageOf(cause)], cause);
  }
}

function csvRows(text: string, name: string): unknown[] {
  const [head, ...lines] = csvLines(text);
  const columns = (head ?? []).map((column) => column.trim());
  const unknown = columns.filter((column) => !COLUMNS.includes(column));
  if (unknown.length > 0 || !columns.includes('client_id'))
    throw invalid(name, [
      `its first line must name the columns, of ${COLUMNS.join(', ')}; it says: ${columns.join(', ').slice(0, 200)}`,
    ]);
  return lines.map((cells) =>
    Object.fromEntries(
      cells.map((cell, index) => [columns[index] ?? `a cell beyond the last column`, cell.trim()]),
    ),
  );
}

/** Cells may stand in double quotes, with a double quote in them written twice. Empty lines are left out. */
function csvLines(text: string): string[][] {
  const lines: string[][] = [];
  let line: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy;
  for (let match = cell.exec(text); match !== null; match = cell.exec(text)) {
    const [whole, quoted, plain, end] = match;
    line.push(quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'));
    if (end !== ',') {
      if (line.some((one) => one.trim() !== '')) lines.push(line);
      line = [];
    }
    if (whole === '' || end === '') break;
  }
  return lines;
}

function invalid(name: string, faults: readonly string[], cause?: unknown): CommandFailure {
  const shown = faults.slice(0, 20).map((fault) => `  ${fault}`);
  if (faults.length > shown.length) shown.push(`  and ${faults.length - shown.length} more`);
  return new CommandFailure(`The mapping ${name} cannot be used:\n${shown.join('\n')}`, {
    code: 'invalid_mapping',
    exitCode: EXIT_WRONG_USE,
    cause,
  });
}
