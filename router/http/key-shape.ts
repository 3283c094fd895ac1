import { z } from 'zod';
import type { KeyInfo } from '../../fleet/api-keys.ts';
import { shownWorkspaceIdSchema } from '../../fleet/records.ts';

/** A key as HTTP shows it: without its secret. */
export const keySchema = z
  .object({
    key_id: z.string(),
    kind: z.enum(['admin', 'workspace']),
    workspace_id: shownWorkspaceIdSchema.nullable(),
    name: z.string().nullable(),
    created_at: z.iso.datetime().nullable(),
    expires_at: z.iso
      .datetime()
      .nullable()
      .describe('From then on it is refused with 401; null: it is good until it is revoked'),
  })
  .meta({ id: 'ApiKey' });

/** See {@link keySchema}. */
export function shownKey({
  keyId,
  workspace,
  name,
  createdAt,
  expiresAt,
}: KeyInfo): z.infer<typeof keySchema> {
  return {
    key_id: keyId,
    kind: workspace === null ? 'admin' : 'workspace',
    workspace_id: workspace !== null && /^\d+$/.test(workspace) ? Number(workspace) : workspace,
    name,
    created_at: createdAt,
    expires_at: expiresAt,
  };
}
