import { setFlagsFromString } from 'node:v8';

/**
 * Lets the heap grow to three times of what was live before V8 marks all of it again. For processes that pass many bytes on: V8 counts buffers outside the heap as growth too,
 * so that with its default (30 % and up) a backup had 40 MB of live objects marked for every 30 MB that passed, which was a third of its CPU time (docs/decisions/0021-backup-runs.md).
 * It is looked at after each marking, so that it may be set while V8 runs.
 */
export function letHeapGrow(): void {
  setFlagsFromString('--heap-growing-percent=200');
}
