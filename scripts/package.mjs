import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runBuild } from './build/all.mjs';
import { withLock } from './lock.mjs';
import { contents, nodeFiles } from './package/contents.mjs';
import { packedBy } from './package/deb.mjs';
import { lintianFaults } from './package/lintian.mjs';
import { carriedNode } from './package/node-binary.mjs';
import { importAll } from './package/smoke.mjs';
import { stagePackage } from './package/stage.mjs';
import { versionFault } from './package/version.mjs';
import { dist, root } from './paths.mjs';
import { setUpPackages } from './prepare.mjs';
import { runScript, SetupError, say, step } from './say.mjs';

const HELP = `npm run package -- [options]

Builds the Debian package: wharf_VERSION_ARCHITECTURE.deb, and prints its path and size.

  --version VERSION   in place of that of package.json
  --output DIRECTORY  where it goes (.wharf/packages)
  --no-build          takes dist/ as it is
  --no-lint           does not run lintian on it
  --json              one line of JSON on standard output
`;

/** `npm run package`: the Debian package of this working tree. */
runScript(async () => {
  const { values } = parseArgs({
    options: {
      version: { type: 'string' },
      output: { type: 'string', default: join(root, '.wharf/packages') },
      'no-build': { type: 'boolean', default: false },
      'no-lint': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const fault = versionFault(values.version);
  if (fault !== undefined) throw new SetupError(fault);
  await setUpPackages();
  if (!values['no-build']) await runBuild();
  const stage = mkdtempSync(join(tmpdir(), 'wharf-package-'));
  try {
    const version = values.version ?? packageVersion();
    const node = await carriedNode();
    await step('files of the package', () =>
      withLock(join(dist, '.lock'), () =>
        stagePackage(stage, [...contents(version), ...nodeFiles(node)], version, node.architecture),
      ),
    );
    await step('imports all of it', () => importAll(stage));
    mkdirSync(values.output, { recursive: true });
    const file = join(values.output, `wharf_${version}_${node.architecture}.deb`);
    const made = await step(`package ${file}`, () => packedBy(stage, file));
    const faults = values['no-lint'] ? [] : await step('lintian', () => lintianFaults(file));
    if (faults.length > 0) throw new SetupError(`lintian finds fault with ${file}:\n${faults.join('\n')}`);
    if (values.json)
      process.stdout.write(
        `${JSON.stringify({ file, version, architecture: node.architecture, ...made })}\n`,
      );
    else say(describe(made));
    return 0;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
});

function describe({ bytes, installedBytes, sha256 }) {
  const mega = (count) => `${(count / 1e6).toFixed(1)} MB`;
  return `  ${mega(bytes)}, ${mega(installedBytes)} when installed, SHA-256 ${sha256}`;
}

function packageVersion() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
}
