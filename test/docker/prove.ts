import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runProcess } from '../../common/lifecycle.ts';
import { publish } from '../bench/support/report.ts';
import { runApart } from '../nspawn/machines/apart.ts';
import { Results } from '../nspawn/results.ts';
import { allGroups } from './fleet/groups.ts';
import { inside } from './fleet/inside.ts';
import { lookAtImages, makeImages } from './images/make.ts';
import { whyNoFleet, whyNoImage } from './requirements.ts';

/**
 * The container image is built and looked at, and the compose file's fleet run: `npm run prove:image [-- --image-only --json FILE --keep --again DIRECTORY]`. Images are built by
 * buildah, and run by a Docker engine of its own, in namespaces of its own; the engine's store, and all else, is gone afterwards. Needs root, and Debian's
 * packages buildah and mmdebstrap; docker.io and docker-compose for the fleet, which is skipped without. Exit code 1 when anything was not as it should be.
 */
await runProcess(async (signal) => {
  const { values } = parseArgs({
    options: {
      'image-only': { type: 'boolean', default: false },
      json: { type: 'string' },
      keep: { type: 'boolean', default: false },
      // The directory that a run with --keep has left: nothing is built, and it is left again.
      again: { type: 'string' },
      // Given by the proof to itself, for its part in namespaces of its own.
      inside: { type: 'string' },
      group: { type: 'string' },
      archive: { type: 'string', multiple: true, default: [] },
    },
  });
  const { json, again, inside: directory, group } = values;
  const keep = values.keep || again !== undefined;
  if (directory !== undefined && group !== undefined)
    return await inside({ directory, group, archives: values.archive, json });
  const missing = await whyNoImage();
  if (missing !== undefined) throw new Error(`No image can be built here: ${missing}`);
  const made = again ?? (await mkdtemp(join(tmpdir(), 'wharf-image-')));
  try {
    const results = new Results();
    if (again === undefined) await makeImages(made, results, signal);
    signal.throwIfAborted();
    const archives = await lookAtImages(made, results);
    await publish(
      {
        ...{ name: 'image', title: "Wharf's container image", runs: 1, versions: {} },
        figures: results.figures(),
        rows: results.rows(),
        details: results.details(),
      },
      { json: json === undefined ? undefined : `${json}.image`, quick: false },
    );
    for (const line of results.broken) process.stdout.write(`BROKEN ${line}\n`);
    const skipped = values['image-only'] ? 'it was not asked for' : await whyNoFleet();
    if (skipped !== undefined) {
      process.stdout.write(`SKIPPED: the compose file's fleet was not run: ${skipped}\n`);
      return results.broken.length === 0 ? 0 : 1;
    }
    const name = `wharf-${process.pid}`;
    const self = [process.execPath, fileURLToPath(import.meta.url), '--inside', made, '--group', name];
    const rest = [
      ...archives.flatMap((archive) => ['--archive', archive]),
      ...(json === undefined ? [] : ['--json', json]),
    ];
    const apart = { groups: await allGroups(name), directory: keep ? undefined : made };
    const code = await runApart([...self, ...rest], apart, signal);
    return results.broken.length === 0 ? code : 1;
  } finally {
    if (keep) process.stderr.write(`the files stay in ${made}\n`);
    else await rm(made, { recursive: true, force: true });
  }
});
