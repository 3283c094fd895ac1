import type { Dispatcher } from 'undici';
import type { WharfError } from '../../common/errors.ts';

/** A request for the instance that owns a workspace. */
export interface Outgoing {
  workspace: string;
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Path and query on the instance. */
  path: string;
  /** JSON. */
  body?: string;
  requestId: string;
  /**
   * Aborted when the caller leaves: then it is held no longer. What an instance has got already goes on, since what changes something is
   * better brought to its end; only a GET is ended.
   */
  caller?: AbortSignal;
  /** Whether it goes through a session's page, so that it has to wait for a session that is just coming up. */
  needsReady?: boolean;
  /** Whether doing it twice is as good as once; else it is repeated only when it was surely not sent. */
  repeatable: boolean;
  /** Milliseconds until the answer must begin. */
  patience: number;
  /** Goes to this instance, which may claim the workspace if nobody owns it; else to the owner. */
  adoptBy?: string;
  /** The error for a request that was sent and whose answer never came. */
  lost?: (why: string, cause: unknown) => WharfError;
}

/** What came back; the body is still on its way. */
export type Answer = Dispatcher.ResponseData;
