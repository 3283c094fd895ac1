import { z } from 'zod';
import { restoreIdSchema } from './backup/restore-ids.ts';
import { sessionIdSchema, workspaceIdSchema } from './ids.ts';
import { sessionSummarySchema } from './records.ts';

/** Where a session is imported: POST on the router. */
export const IMPORTS_PATH = '/api/imports';

/** Which prepared profile (`prepared-restore.ts`) becomes which session. */
export const importRequestSchema = z
  .strictObject({
    workspace_id: workspaceIdSchema,
    session_id: sessionIdSchema,
    import: restoreIdSchema.describe('What it was prepared under on the shared storage'),
  })
  .meta({ id: 'ImportSession' });

/** The session, and where what it replaced lies. */
export const importAnswerSchema = z
  .object({
    session: sessionSummarySchema,
    trash: z
      .string()
      .nullable()
      .describe("What was replaced: its name in the workspace's trash; null where nothing was"),
  })
  .meta({ id: 'ImportedSession' });
