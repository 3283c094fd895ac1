import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { systemCode } from '../../../common/errors.ts';
import { readJson, replaceFile } from '../../../common/files.ts';

/** A file as `session.json` is: replaced as a whole, again and again. The filler makes a half-written one show. */
const versionSchema = z.strictObject({ version: z.number(), filler: z.string() });

/** Replaces a file by one of a version, as records are replaced. Answers how long it took, milliseconds. */
export async function replace(call: { path: string; version: number }): Promise<{ took: number }> {
  const started = performance.now();
  const filler = String(call.version % 10).repeat(3000);
  await replaceFile(call.path, `${JSON.stringify({ version: call.version, filler })}\n`);
  return { took: performance.now() - started };
}

/**
 * Reads a file again and again, once as records are read and once plainly, and tells of each version when first seen. Ends with the last version. Answers how
 * many reads there were, and which errors each way met, by code.
 */
export async function watchVersions(
  call: { path: string; last: number; pause: number },
  emit: (event: { version: number }) => void,
): Promise<{
  reads: number;
  plain: Record<string, number>;
  record: Record<string, number>;
  backwards: number;
}> {
  const found = {
    reads: 0,
    plain: {} as Record<string, number>,
    record: {} as Record<string, number>,
    backwards: 0,
  };
  let newest = -1;
  while (newest < call.last) {
    found.reads += 1;
    const version = await counted(found.record, call.path, () => readJson(call.path, versionSchema));
    if (version === null) count(found.record, 'ENOENT');
    else if (version !== undefined && version.version > newest) {
      newest = version.version;
      emit({ version: newest });
    } else if (version !== undefined && version.version < newest) found.backwards += 1;
    await counted(
      found.plain,
      call.path,
      async () => JSON.parse(await readFile(call.path, 'utf8')) as unknown,
    );
    await sleep(call.pause);
  }
  return found;
}

async function counted<T>(
  errors: Record<string, number>,
  path: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const text = error instanceof Error ? error.message.replaceAll(path, 'the file') : String(error);
    count(errors, systemCode(cause) ?? (cause === undefined ? systemCode(error) : undefined) ?? text);
    return undefined;
  }
}

function count(errors: Record<string, number>, name: string): void {
  errors[name] = (errors[name] ?? 0) + 1;
}
