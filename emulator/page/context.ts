import type { PageBoot } from '../protocol/boot.ts';
import { ChatService } from './chats/chat-service.ts';
import { chatCommands, chatModules } from './chats/modules.ts';
import { collectionModules } from './collections.ts';
import { contactModules } from './contacts/modules.ts';
import { linkifyModules } from './core/linkify.ts';
import { Registry } from './core/registry.ts';
import { widModules } from './core/wid.ts';
import { groupModules } from './groups/modules.ts';
import { linkModules } from './link/modules.ts';
import { DEVICE_PLATFORM, registrationModules } from './link/registration.ts';
import { mediaModules } from './media/modules.ts';
import { addonModules, createAddonTables } from './messages/addon-tables.ts';
import { Inbox } from './messages/inbox.ts';
import { messageCommands, messageModules } from './messages/modules.ts';
import { Outbox } from './messages/outbox.ts';
import { Sender } from './messages/sender.ts';
import { ConnModel } from './net/conn-model.ts';
import { Session } from './net/session.ts';
import { reactionAndPollModules } from './polls/modules.ts';
import { PageState } from './state.ts';
import { encodeBase64 } from './storage/base64.ts';
import type { Database } from './storage/database.ts';
import type { RegistrationRecord } from './storage/records.ts';
import { storeHistory } from './sync/history.ts';
import { historyModules } from './sync/modules.ts';
import type { View } from './ui/view.ts';

/** A page put together and not yet connected. */
export interface Page {
  readonly registry: Registry;
  start(): Promise<void>;
}

/** Makes the page's parts, the only place that does. `show` draws what a person sees, whenever that changes. */
export function createPage(
  boot: PageBoot,
  database: Database,
  registration: RegistrationRecord,
  show: (view: View) => void,
): Page {
  const state = new PageState(database);
  const conn = new ConnModel();
  const tables = createAddonTables();
  const browser = { info: () => ({ os: 'Linux', name: 'Chrome', version: boot.version }) };

  const chats = new ChatService(state, (query) => session.ask(query));
  const inbox = new Inbox(state, chats, tables, (frame) => void session.send(frame));
  const outbox = new Outbox(state, (frame) => session.send(frame));
  const session: Session = new Session(`wss://${location.host}${boot.socketPath}`, {
    state,
    conn,
    registration,
    deviceName: () => browser.info().os,
    load: () => chats.load(),
    storeHistory: (frame) => storeHistory(state, chats, frame),
    receive: (frames) => inbox.receive(frames),
    outbox,
  });
  const sender = new Sender(state, chats, outbox, tables);

  let code: string | undefined;
  const draw = (): void =>
    show({
      state: session.socket.state,
      qr: conn.ref === undefined ? undefined : qrText(conn.ref, registration),
      code,
      linkedAs: conn.wid && `${conn.pushname} (+${conn.wid.user})`,
    });
  const showCode = (next: string | undefined): void => {
    code = next;
    draw();
  };
  conn.on('change', draw);
  session.socket.on('change', draw);

  const ask = session.ask.bind(session);
  const commands = Object.assign(state.commands, messageCommands(state, sender), chatCommands(chats), {
    refreshQR: () => session.refreshQr(),
  });
  const registry = new Registry();
  registry.define({
    WAWebSocketModel: { Socket: session.socket },
    WAWebConnModel: { Conn: conn },
    WAWebCmd: { Cmd: commands },
    WAWebOfflineHandler: {
      OfflineMessageHandler: { getOfflineDeliveryProgress: () => session.offlineProgress },
    },
    WAWebMiscBrowserUtils: browser,
  });
  registry.define(registrationModules(registration));
  registry.define(linkModules(session, showCode));
  registry.define(widModules());
  registry.define(linkifyModules());
  registry.define(collectionModules(state, chats));
  registry.define(chatModules(state, chats, (frame) => session.send(frame)));
  registry.define(contactModules(state, chats, ask));
  registry.define(groupModules(state, chats, ask));
  registry.define(messageModules(state, sender));
  registry.define(addonModules(tables));
  registry.define(reactionAndPollModules(state, sender));
  registry.define(historyModules(state, chats, ask));
  registry.define(mediaModules(() => session.credentials()));

  // The faults of the phone this device belongs to, once that is known, stand above everybody's.
  const setMissing = (): void => {
    const own = conn.wid && boot.phones[conn.wid.user]?.missingModules;
    registry.setMissing(own ?? boot.missingModules);
  };
  conn.on('change:wid', setMissing);
  setMissing();
  draw();
  return { registry, start: () => session.start() };
}

/** What the phone scans, field for field as the library makes it up. */
function qrText(ref: string, { noisePub, identityPub, advSecret }: RegistrationRecord): string {
  return [ref, encodeBase64(noisePub), encodeBase64(identityPub), advSecret, DEVICE_PLATFORM].join(',');
}
