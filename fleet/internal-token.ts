import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode, WharfError } from '../common/errors.ts';

/** Where the token lies under the session path. */
const TOKEN_FILE = join('fleet', 'internal-token');

/** What a token looks like; also asked of one from the environment, since it travels in a header. */
const TOKEN = /^[A-Za-z0-9_-]{32,200}$/;

/**
 * The token that routers show to instances: the one given, else the one on the shared storage, which whoever comes first makes.
 * The file appears whole or not at all (written under another name, then linked), so that nobody reads half a token.
 *
 * @param sessionPath the shared storage's root; `fleet/` is made below it, for its owner alone
 * @param fromEnv the value of `WHARF_INTERNAL_TOKEN`, if set
 * @throws WharfError `config_invalid` when a token is not 32 to 200 characters of A-Z a-z 0-9 _ -; `storage_unavailable` when the
 *   storage can be neither read nor written
 */
export async function internalToken(sessionPath: string, fromEnv?: string): Promise<string> {
  if (fromEnv !== undefined) return checked(fromEnv, 'WHARF_INTERNAL_TOKEN');
  const path = join(sessionPath, TOKEN_FILE);
  try {
    return checked((await readIfThere(path)) ?? (await make(path)), path);
  } catch (error) {
    if (error instanceof WharfError) throw error;
    throw new WharfError(
      'storage_unavailable',
      `The internal token ${path} can be neither read nor made (${systemCode(error) ?? 'unknown fault'}). Check WHATSAPP_SESSION_PATH and who owns it.`,
      { cause: error },
    );
  }
}

/** When the token on the shared storage was made, milliseconds since 1970; null where there is none, or that cannot be read. */
export async function internalTokenMadeAt(sessionPath: string): Promise<number | null> {
  return await stat(join(sessionPath, TOKEN_FILE)).then(
    ({ mtimeMs }) => mtimeMs,
    () => null,
  );
}

async function make(path: string): Promise<string> {
  await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${randomBytes(32).toString('hex')}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(draft, path);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  } finally {
    await unlink(draft);
  }
  return (await readFile(path, 'utf8')).trim();
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function checked(token: string, where: string): string {
  if (TOKEN.test(token)) return token;
  throw new WharfError(
    'config_invalid',
    `The internal token in ${where} must be 32 to 200 characters of A-Z a-z 0-9 _ -, the same for all instances and routers.`,
  );
}
