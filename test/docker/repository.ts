import { fileURLToPath } from 'node:url';

/** The repository's folder: this file lies in its `dist/test/docker/`. */
export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
