import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Writes a file and the directories above it. */
export function write(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Writes a shell script that can be run as a program. */
export function writeProgram(path, script) {
  write(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}
