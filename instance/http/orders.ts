import { ordersSchema } from '../../fleet/instance-api.ts';
import { type InstanceParts, route } from './parts.ts';

export const giveOrders = ({ order }: InstanceParts) =>
  route({
    method: 'post',
    path: '/orders',
    summary: 'Hand workspaces over, where Redis cannot tell it',
    tag: 'ownership',
    body: ordersSchema,
    bodyLimit: 1024 * 1024,
    responses: { 202: { description: 'Its supervisor was told' } },
    handle({ body }) {
      for (const each of body.orders) order(each);
      return { status: 202, body: { orders: body.orders.length } };
    },
  });
