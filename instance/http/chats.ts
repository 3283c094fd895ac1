import { z } from 'zod';
import { listQuerySchema } from '../../fleet/instance-api.ts';
import { type InstanceParts, route, SESSION_PATH, sessionParamsSchema } from './parts.ts';

const chatParamsSchema = sessionParamsSchema.extend({
  chat_id: z
    .string()
    .regex(
      /^[\w.-]{1,60}@(c\.us|g\.us|lid|broadcast|newsletter)$/,
      'must be a WhatsApp id such as 491701234567@c.us',
    ),
});
const numberParamsSchema = sessionParamsSchema.extend({
  phone: z
    .string()
    .regex(/^\+?\d{7,15}$/, 'must be 7 to 15 digits')
    .transform((digits) => digits.replace('+', '')),
});

/** Reads through the live session: chats, contacts, a chat's messages, whether a number is on WhatsApp. */
export const readRoutes = ({ manager }: InstanceParts) => [
  route({
    method: 'get',
    path: `${SESSION_PATH}/chats`,
    summary: 'The chats',
    tag: 'chats',
    params: sessionParamsSchema,
    query: listQuerySchema,
    responses: { 200: { description: 'The most recently active first' } },
    async handle({ params, query }) {
      const client = manager.get(params.workspace_id, params.session_id).readyClient();
      return { body: { chats: await client.chats(query.limit) } };
    },
  }),
  route({
    method: 'get',
    path: `${SESSION_PATH}/contacts`,
    summary: 'The contacts',
    tag: 'chats',
    params: sessionParamsSchema,
    query: listQuerySchema,
    responses: { 200: { description: 'The contacts' } },
    async handle({ params, query }) {
      const client = manager.get(params.workspace_id, params.session_id).readyClient();
      return { body: { contacts: await client.contacts(query.limit) } };
    },
  }),
  route({
    method: 'get',
    path: `${SESSION_PATH}/chats/:chat_id/messages`,
    summary: 'The messages of a chat',
    tag: 'chats',
    params: chatParamsSchema,
    query: listQuerySchema,
    responses: { 200: { description: 'The newest, in the order of their time' } },
    async handle({ params, query }) {
      const client = manager.get(params.workspace_id, params.session_id).readyClient();
      return { body: { messages: await client.messages(params.chat_id, query.limit) } };
    },
  }),
  route({
    method: 'get',
    path: `${SESSION_PATH}/numbers/:phone`,
    summary: 'Whether a number is on WhatsApp',
    tag: 'chats',
    params: numberParamsSchema,
    responses: { 200: { description: 'What WhatsApp says' } },
    async handle({ params }) {
      const client = manager.get(params.workspace_id, params.session_id).readyClient();
      return { body: await client.number(params.phone) };
    },
  }),
];
