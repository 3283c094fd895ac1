import { configPatchSchema } from '../faults.ts';
import { type ControlParts, controlRoute, DONE } from './parts.ts';

/** Sets faults: what is given replaces what was set, the rest stays. */
export function setConfigRoute(parts: ControlParts) {
  return controlRoute({
    method: 'post',
    path: '/config',
    summary: 'Set faults',
    tag: 'faults',
    body: configPatchSchema,
    responses: DONE,
    handle({ body }) {
      parts.faults.merge(body);
      parts.journal.add('config', { names: Object.keys(body).join(',') });
      parts.configured();
      return { body: parts.faults.view() };
    },
  });
}

/** The faults in force. */
export function getConfigRoute(parts: ControlParts) {
  return controlRoute({
    method: 'get',
    path: '/config',
    summary: 'The faults in force',
    tag: 'faults',
    responses: DONE,
    handle: () => ({ body: parts.faults.view() }),
  });
}
