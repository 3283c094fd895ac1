import { type ControlParts, controlRoute, DONE } from './parts.ts';

/** Forgets accounts, messages and faults and cuts all connections. The log goes on. */
export function resetRoute(parts: ControlParts) {
  return controlRoute({
    method: 'post',
    path: '/reset',
    summary: 'Forget everything',
    tag: 'state',
    responses: DONE,
    handle() {
      parts.reset();
      return { body: { reset: true } };
    },
  });
}
