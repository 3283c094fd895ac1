import type { Happening } from './client.ts';
import { arrivalOf, editOf, type IsMine, reactionOf, readRawMessage, revocationOf } from './raw-message.ts';
import type { HookedClient } from './whatsapp-web-js.ts';

/**
 * Tells what the library says happens in an account, each once where it says it twice: `message` comes beside `message_create` for what others wrote, and
 * `message_edit` also where a text changes for another reason. What is only deleted on one's own devices is not told.
 */
export function listenToAccount(
  client: HookedClient,
  isMine: IsMine,
  tell: (happening: Happening) => void,
): void {
  const arrived = ({ rawData }: { rawData: object }) => {
    const raw = readRawMessage(rawData);
    if (raw) for (const happening of arrivalOf(raw, isMine)) tell(happening);
  };
  client.on('message_create', arrived);
  client.on('message_ciphertext', arrived);
  client.on('message_ack', (message, ack) =>
    tell({ kind: 'ack', whatsappId: message.id._serialized, ack: Number(ack) }),
  );
  client.on('message_edit', ({ rawData }) => {
    const raw = readRawMessage(rawData);
    const edit = raw && editOf(raw);
    if (edit) tell(edit);
  });
  client.on('message_revoke_everyone', ({ rawData }) => {
    const raw = readRawMessage(rawData);
    if (raw) tell(revocationOf(raw));
  });
  client.on('message_reaction', (reaction) => {
    const happening = reactionOf(reaction);
    if (happening) tell(happening);
  });
}
