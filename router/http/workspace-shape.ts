import { z } from 'zod';
import { showWorkspaceId, type WorkspaceId } from '../../fleet/ids.ts';
import { homeOf } from '../../fleet/placement.ts';
import { shownWorkspaceIdSchema } from '../../fleet/records.ts';
import type { Owner } from '../registry/table.ts';
import type { Services } from '../services.ts';

/** Where a workspace is, as HTTP shows it. */
export const placedWorkspaceSchema = z.object({
  workspace_id: shownWorkspaceIdSchema,
  home: z.string().describe('The instance that the home rule names'),
  instance: z.string().describe('The instance it is on'),
  epoch: z.number().int(),
});

/** See {@link placedWorkspaceSchema}. */
export function shownPlace(
  { instanceCount, shardStrategy }: Pick<Services['config'], 'instanceCount' | 'shardStrategy'>,
  workspace: WorkspaceId,
  { instance, epoch }: Owner,
): z.infer<typeof placedWorkspaceSchema> {
  return {
    workspace_id: showWorkspaceId(workspace),
    home: homeOf(workspace, instanceCount, shardStrategy),
    instance,
    epoch,
  };
}
