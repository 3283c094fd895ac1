#!/usr/bin/env node
// The `wharf` command as npm installs it. Plain JavaScript, since it must be able to say that nothing has been built yet.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write(
    `Wharf has not been built yet: ${fileURLToPath(main)} is missing. Run "npm start", which sets up, builds and starts a local fleet, or "npm run build".\n`,
  );
  process.exitCode = 1;
}
