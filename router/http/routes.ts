import type { RouterRoute, Services } from '../services.ts';
import { backupsRoutes } from './backups.ts';
import { chatMessagesList } from './chat-messages.list.ts';
import { chatsList } from './chats.list.ts';
import { contactsList } from './contacts.list.ts';
import { eventsStream } from './events.stream.ts';
import { eventsTickets } from './events.tickets.ts';
import { fleetGet } from './fleet.get.ts';
import { fleetEventsList } from './fleet-events.list.ts';
import { fleetInstancesDrain, fleetInstancesUndrain } from './fleet-instances.drain.ts';
import { fleetInstancesRestart } from './fleet-instances.restart.ts';
import { fleetMovesList } from './fleet-moves.list.ts';
import { fleetQueuesGet } from './fleet-queues.get.ts';
import { fleetRebalance } from './fleet-rebalance.ts';
import { fleetUnfreeze } from './fleet-unfreeze.ts';
import { fleetWebhooksList } from './fleet-webhooks.list.ts';
import { fleetWorkspacesGet } from './fleet-workspaces.get.ts';
import { fleetWorkspacesList } from './fleet-workspaces.list.ts';
import { fleetWorkspacesMove } from './fleet-workspaces.move.ts';
import { healthGet } from './health.get.ts';
import { importsCreate } from './imports.create.ts';
import { keysCreate } from './keys.create.ts';
import { keysDelete } from './keys.delete.ts';
import { keysList } from './keys.list.ts';
import { keysOwn } from './keys.own.ts';
import { mediaDelete } from './media.delete.ts';
import { mediaGet } from './media.get.ts';
import { mediaLink } from './media.link.ts';
import { mediaShared } from './media.shared.ts';
import { mediaUpload } from './media.upload.ts';
import { messagesBulk } from './messages.bulk.ts';
import { messagesCancel } from './messages.cancel.ts';
import { messagesGet } from './messages.get.ts';
import { messagesSend } from './messages.send.ts';
import { messagesSendOlder } from './messages.send-older.ts';
import { metricsGet } from './metrics.get.ts';
import { numbersGet } from './numbers.get.ts';
import { openApiGet } from './openapi.get.ts';
import { readyGet } from './ready.get.ts';
import { sessionsCommand } from './sessions.command.ts';
import { sessionsCreate } from './sessions.create.ts';
import { sessionsDelete } from './sessions.delete.ts';
import { sessionsGet } from './sessions.get.ts';
import { sessionsList } from './sessions.list.ts';
import { sessionsPairingCode } from './sessions.pairing-code.ts';
import { sessionsQr } from './sessions.qr.ts';
import { webhooksDeadLetters } from './webhooks.dead-letters.ts';
import { webhooksDelete } from './webhooks.delete.ts';
import { webhooksEnable } from './webhooks.enable.ts';
import { webhooksGet } from './webhooks.get.ts';
import { webhooksPut } from './webhooks.put.ts';
import { webhooksReplay } from './webhooks.replay.ts';
import { webhooksRotate } from './webhooks.rotate.ts';
import { webhooksTestEvent } from './webhooks.test-event.ts';
import { whatsappMetricsGet } from './whatsapp-metrics.get.ts';

/** Every route of the router's API, in the order its description shows them. */
export function allRoutes(services: Services): RouterRoute[] {
  const routes: RouterRoute[] = [
    sessionsCreate(services),
    sessionsList(services),
    sessionsGet(services),
    sessionsDelete(services),
    sessionsCommand(services, 'start'),
    sessionsCommand(services, 'stop'),
    sessionsCommand(services, 'restart'),
    sessionsCommand(services, 'logout'),
    sessionsCommand(services, 'keep'),
    sessionsCommand(services, 'unkeep'),
    sessionsQr(services),
    sessionsPairingCode(services),
    importsCreate(services),
    messagesSend(services),
    messagesBulk(services),
    messagesGet(services),
    messagesCancel(services),
    mediaUpload(services),
    mediaGet(services),
    mediaDelete(services),
    mediaLink(services),
    mediaShared(services),
    chatsList(services),
    chatMessagesList(services),
    contactsList(services),
    numbersGet(services),
    eventsStream(services),
    eventsTickets(services),
    webhooksPut(services),
    webhooksGet(services),
    webhooksDelete(services),
    webhooksTestEvent(services),
    webhooksRotate(services),
    webhooksEnable(services),
    webhooksDeadLetters(services),
    webhooksReplay(services),
    fleetGet(services),
    fleetQueuesGet(services),
    fleetWebhooksList(services),
    fleetEventsList(services),
    fleetWorkspacesList(services),
    fleetWorkspacesGet(services),
    fleetWorkspacesMove(services),
    fleetMovesList(services),
    fleetInstancesDrain(services),
    fleetInstancesUndrain(services),
    fleetInstancesRestart(services),
    fleetRebalance(services),
    fleetUnfreeze(services),
    ...backupsRoutes(services),
    whatsappMetricsGet(services),
    keysCreate(services),
    keysList(services),
    keysOwn(services),
    keysDelete(services),
    healthGet(services),
    readyGet(services),
    metricsGet(services),
    openApiGet(() => routes),
    sessionsCreate(services, '/api/whatsapp/sessions/create', true),
    messagesSendOlder(services),
  ];
  return routes;
}
