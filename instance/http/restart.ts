import { type InstanceParts, route } from './parts.ts';

/** Drain it first: what it runs is closed, and goes on after the start. */
export const restartInstance = ({ restart }: InstanceParts) =>
  route({
    method: 'post',
    path: '/restart',
    summary: 'End this process; its supervisor starts it again',
    tag: 'ownership',
    responses: { 202: { description: 'It is about to end' } },
    handle() {
      restart();
      return { status: 202, body: {} };
    },
  });
