import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DASHBOARDS, textOf } from './all.ts';

/** `npm run dashboards`: writes infra/grafana/json, from the directory of the repository. */
const folder = join('infra', 'grafana', 'json');
await mkdir(folder, { recursive: true });
for (const [name, made] of Object.entries(DASHBOARDS)) {
  const path = join(folder, `${name}.json`);
  await writeFile(path, textOf(made));
  process.stdout.write(`${path}\n`);
}
