import { ackRoute } from './ack.ts';
import { getConfigRoute, setConfigRoute } from './config.ts';
import { connectionsRoute } from './connections.ts';
import { contactRoute } from './contact.ts';
import { crashRoute } from './crash.ts';
import { deliverRoute } from './deliver.ts';
import { deliveredRoute } from './delivered.ts';
import { dropSocketsRoute } from './drop-sockets.ts';
import { enterCodeRoute } from './enter-code.ts';
import { groupRoute } from './group.ts';
import { logRoute } from './log.ts';
import type { ControlParts } from './parts.ts';
import { removeDeviceRoute } from './remove-device.ts';
import { repeatRoute } from './repeat.ts';
import { resetRoute } from './reset.ts';
import { scanRoute } from './scan.ts';
import { sentRoute } from './sent.ts';
import { stateRoute } from './state.ts';

/** All routes of the control API. */
export function controlRoutes(parts: ControlParts) {
  return [
    scanRoute,
    enterCodeRoute,
    removeDeviceRoute,
    deliverRoute,
    ackRoute,
    groupRoute,
    contactRoute,
    repeatRoute,
    sentRoute,
    deliveredRoute,
    logRoute,
    stateRoute,
    connectionsRoute,
    setConfigRoute,
    getConfigRoute,
    dropSocketsRoute,
    crashRoute,
    resetRoute,
  ].map((make) => make(parts));
}
