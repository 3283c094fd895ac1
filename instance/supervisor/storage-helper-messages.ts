import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../../common/errors.ts';
import type { HighestClaim } from '../../fleet/claims.ts';
import { workspaceIdSchema } from '../../fleet/ids.ts';
import { claimSchema } from '../../fleet/records.ts';

/** What a supervisor asks its storage helper, and what that answers, over Node's IPC channel. */
const id = z.number().int().nonnegative();

/** The questions: those of a `ClaimStore`, and those of a start. */
export const storageCallSchema = z.discriminatedUnion('op', [
  z.object({ op: z.literal('workspaces') }),
  z.object({ op: z.literal('highest'), workspace: workspaceIdSchema }),
  z.object({ op: z.literal('create'), claim: claimSchema }),
  z.object({ op: z.literal('release'), workspace: workspaceIdSchema, epoch: z.number() }),
  /** Whether the session path is there and can be written to. */
  z.object({ op: z.literal('require') }),
  z.object({ op: z.literal('write_beacon'), instance: z.string(), beacon: z.string() }),
  z.object({ op: z.literal('read_beacon'), instance: z.string() }),
]);
export type StorageCall = z.infer<typeof storageCallSchema>;

export const storageRequestSchema = z.object({ id, call: storageCallSchema });

export const highestClaimSchema = z.object({
  epoch: z.number(),
  claim: claimSchema.nullable(),
  lastReadable: claimSchema.nullable(),
  released: z.boolean(),
}) satisfies z.ZodType<HighestClaim>;

const codes = Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]];

/** An answer; `value` is null where there is nothing to say. */
export const storageAnswerSchema = z.union([
  z.object({ id, value: z.unknown() }),
  z.object({ id, error: z.object({ code: z.enum(codes), message: z.string() }) }),
]);
export type StorageAnswer = z.infer<typeof storageAnswerSchema>;
