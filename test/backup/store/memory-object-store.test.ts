import { testsObjectStore } from '../../conformance/object-store.ts';
import { MemoryObjectStore } from '../../helpers/memory-object-store.ts';

testsObjectStore('in memory', async () => new MemoryObjectStore());
