import type { Clock } from '../../common/clock.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { brotli } from './brotli.ts';
import { gzip } from './gzip.ts';
import type { Objects } from './objects.ts';
import { StoredObjects } from './stored-objects.ts';

/** The objects of a store, as this version of Wharf compresses them, and reads those of others. */
export function openObjects(store: ObjectStore, clock: Pick<Clock, 'monotonic'>): Objects {
  return new StoredObjects(store, brotli, [gzip], clock);
}
