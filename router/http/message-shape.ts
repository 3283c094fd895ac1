import { z } from 'zod';
import { showWorkspaceId } from '../../fleet/ids.ts';
import { type MessageView, messageIdSchema, messageViewSchema } from '../../fleet/queue/outgoing.ts';
import { shownWorkspaceIdSchema } from '../../fleet/records.ts';

export const MESSAGE_PATH = '/api/whatsapp/messages/:message_id';

export const messageParams = z.strictObject({ message_id: messageIdSchema });

/** A message as HTTP shows it. */
export const shownMessageSchema = messageViewSchema
  .extend({ workspace_id: shownWorkspaceIdSchema })
  .meta({ id: 'Message' });

/** Shows a message over HTTP. */
export function showMessage(view: MessageView): Record<string, unknown> {
  return { ...view, workspace_id: showWorkspaceId(view.workspace_id) };
}
