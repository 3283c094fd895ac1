import { WharfError } from '../../common/errors.ts';

/**
 * What a store could not do, as `backup_store_failed`.
 *
 * @param operation what was attempted, such as `read objects/ab/cd.gz`
 * @param shown the store, as {@link ObjectStore.shown} has it
 * @param why what was wrong and what to do: one or more sentences, the first without its capital letter
 * @param cause for the log; nothing that holds a request's signature
 */
export function storeError(operation: string, shown: string, why: string, cause?: unknown): WharfError {
  return new WharfError('backup_store_failed', `Could not ${operation} in ${shown}: ${why}`, {
    ...(cause === undefined ? {} : { cause }),
  });
}
