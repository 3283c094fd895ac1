import { onTestFinished } from 'vitest';
import { type Emulator, type EmulatorOptions, startEmulator } from '../../../emulator/context.ts';
import { DeviceClient, type DeviceClientOptions } from '../../../emulator/device-client.ts';

/** What the control API answers; the tests look into it field by field. */
// biome-ignore lint/suspicious/noExplicitAny: a JSON answer, whose shape each test asserts
export type Json = any;

/** An emulator and its control API, for one test. */
export interface TestEmulator extends Emulator {
  post(path: string, body?: unknown): Promise<Json>;
  get(path: string): Promise<Json>;
  /** As the two above, with the status and without a check of it. */
  call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<{ status: number; body: Json }>;
  /** A device that is closed when the test ends. */
  device(options?: Partial<DeviceClientOptions>): DeviceClient;
  /** A device linked to a phone and live. */
  linked(phone: string, options?: Partial<DeviceClientOptions>): Promise<DeviceClient>;
  /** Resolves with the log's entries of an event, when there are at least so many. */
  logged(event: string, count?: number, filter?: string): Promise<Json[]>;
}

/** Starts an emulator without delays; it is closed when the test ends. */
export async function testEmulator(options: EmulatorOptions = {}): Promise<TestEmulator> {
  const emulator = await startEmulator({
    ...options,
    faults: { sync_delay_ms: 0, repeat_delay_ms: 0, ...options.faults },
  });
  const devices: DeviceClient[] = [];
  onTestFinished(async () => {
    await Promise.all(devices.map((device) => device.disconnect()));
    await emulator.close();
  });
  const call: TestEmulator['call'] = async (method, path, body) => {
    const answer = await fetch(`${emulator.controlUrl}${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    return { status: answer.status, body: await answer.json() };
  };
  const checked = async (method: 'GET' | 'POST', path: string, body?: unknown) => {
    const answer = await call(method, path, body);
    if (answer.status !== 200)
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const device: TestEmulator['device'] = (deviceOptions = {}) => {
    const made = new DeviceClient({ httpsPort: emulator.httpsPort, ...deviceOptions });
    devices.push(made);
    return made;
  };
  return {
    ...emulator,
    call,
    device,
    post: (path, body) => checked('POST', path, body),
    get: (path) => checked('GET', path),
    async linked(phone, deviceOptions) {
      const made = device(deviceOptions);
      await made.connect();
      await made.until('waiting');
      await checked('POST', '/scan', { qr: made.qr(), phone });
      await made.until('live');
      return made;
    },
    async logged(event, count = 1, filter = '') {
      let after = 0;
      const found: Json[] = [];
      while (found.length < count) {
        const { log } = await checked('GET', `/log?event=${event}&after=${after}&wait=10&${filter}`);
        if (log.length === 0) throw new Error(`only ${found.length} of ${count} ${event} in the log`);
        found.push(...log);
        after = found.at(-1).id;
      }
      return found;
    },
  };
}

/** The bodies of the readable text messages a device has, in order of arrival. */
export function texts(device: DeviceClient): string[] {
  return [...device.profile.messages.values()]
    .filter((stored) => stored.readable)
    .flatMap(({ message }) => (message.content.type === 'chat' ? [message.content.body] : []));
}
