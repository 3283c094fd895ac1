import type { Group, WireId } from '../../protocol/chats.ts';
import type { CreateGroupResult } from '../../protocol/queries.ts';
import type { ChatModel } from '../chats/chat-model.ts';
import type { Ask, ChatService } from '../chats/chat-service.ts';
import type { ModuleTable } from '../core/registry.ts';
import { createWid, type Wid } from '../core/wid.ts';
import { ServerStatusCodeError } from '../net/link.ts';
import type { PageState } from '../state.ts';
import type { ParticipantModel } from './group-metadata.ts';

type ParticipantAction = 'add' | 'remove' | 'promote' | 'demote';

interface AddRequest {
  readonly participantArgs: readonly { readonly participantJid: string }[];
  readonly iqTo: string;
}

/** Groups: making and changing them. Each change is stored here as the server answers it. */
export function groupModules(state: PageState, chats: ChatService, ask: Ask): ModuleTable {
  const change = async (group: Wid, action: ParticipantAction, people: readonly WireId[]): Promise<Group> => {
    const id = group._serialized;
    const changed = await ask<Group>({ name: 'change_participants', id, action, participants: people });
    await chats.storeGroup(changed);
    return changed;
  };
  const changeAll =
    (action: ParticipantAction) => (chat: ChatModel, participants: readonly ParticipantModel[]) =>
      change(
        chat.id,
        action,
        participants.map(({ id }) => id._serialized),
      );
  const rename = async (id: Wid, what: { subject: string } | { description: string }): Promise<void> => {
    await chats.storeGroup(await ask<Group>({ name: 'change_group', id: id._serialized, ...what }));
  };

  return {
    WAWebGroupCreateJob: {
      createGroup: async (
        { title }: { readonly title: string },
        people: readonly { readonly phoneNumber: Wid }[],
      ) => {
        const participants = people.map(({ phoneNumber }) => phoneNumber._serialized);
        const { group, absent } = await ask<CreateGroupResult>({
          name: 'create_group',
          subject: title,
          participants,
        });
        await chats.storeGroup(group);
        const members = group.participants.map(({ id, superAdmin }) => ({
          wid: createWid(id),
          type: superAdmin ? 'superadmin' : 'participant',
        }));
        const missing = absent.map((id) => ({ wid: createWid(id), error: 404 }));
        return { wid: createWid(group.id), subject: group.subject, participants: [...members, ...missing] };
      },
    },
    WAWebGroupQueryJob: {
      queryAndUpdateGroupMetadataById: ({ id }: { readonly id: string }) => chats.fetchGroup(createWid(id)),
    },
    WAWebModifyParticipantsGroupAction: {
      removeParticipants: changeAll('remove'),
      promoteParticipants: changeAll('promote'),
      demoteParticipants: changeAll('demote'),
    },
    WASmaxGroupsAddParticipantsRPC: {
      sendAddParticipantsRPC: ({ participantArgs, iqTo }: AddRequest) =>
        addParticipants(
          createWid(iqTo),
          participantArgs.map(({ participantJid }) => createWid(participantJid)),
          change,
        ),
    },
    WAWebGroupModifyInfoJob: {
      setGroupSubject: (id: Wid, subject: string) => rename(id, { subject }),
      setGroupDescription: (id: Wid, description: string) => rename(id, { description }),
    },
    WAWebExitGroupAction: {
      sendExitGroup: (chat: ChatModel) => change(chat.id, 'remove', [state.requireMe().wid]),
    },
    WAWebChatSendMessages: { sendGroupInviteMessage: async () => ({ messageSendResult: 'ERROR_UNKNOWN' }) },
  };
}

/** The answer in the shape of WhatsApp's protocol, which the library takes apart. */
async function addParticipants(
  group: Wid,
  people: readonly Wid[],
  change: (group: Wid, action: 'add', people: readonly WireId[]) => Promise<Group>,
): Promise<object> {
  try {
    const changed = await change(
      group,
      'add',
      people.map(({ _serialized }) => _serialized),
    );
    const members = new Set(changed.participants.map(({ id }) => id));
    const addParticipant = people.map((wid) => ({
      addParticipantsParticipantAddedOrNonRegisteredWaUserParticipantErrorLidResponseMixinGroup: {
        value: {
          addParticipantsParticipantMixins: members.has(wid._serialized)
            ? undefined
            : { value: { error: '404' } },
        },
      },
    }));
    return { name: 'AddParticipantsResponseSuccess', value: { addParticipant } };
  } catch (error) {
    if (!(error instanceof ServerStatusCodeError)) throw error;
    return {
      name: 'AddParticipantsResponseClientError',
      value: { errorAddParticipantsClientErrors: { value: { code: 403 } }, addParticipant: refusal(people) },
    };
  }
}

function refusal(people: readonly Wid[]): object[] {
  return people.map(() => ({
    addParticipantsParticipantAddedOrNonRegisteredWaUserParticipantErrorLidResponseMixinGroup: {
      value: { addParticipantsParticipantMixins: { value: { error: '403' } } },
    },
  }));
}
