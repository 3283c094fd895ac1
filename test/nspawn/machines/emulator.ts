import { z } from 'zod';
import { type BenchProcess, startProgram } from '../../bench/support/processes.ts';
import { type Json, mustAsk } from '../../chaos/real/asking.ts';
import { OUTSIDE } from './network.ts';

const connectionsSchema = z.object({
  connections: z.array(
    z.object({ logged_in_at: z.string().nullable(), disconnected_at: z.string().nullable() }),
  ),
});

const logSchema = z.object({
  last_id: z.number(),
  truncated: z.boolean(),
  log: z.array(z.looseObject({ time: z.string(), event: z.string() })),
});

const sentSchema = z.object({
  sent: z.array(z.object({ body: z.string().nullable(), ack: z.number(), serialized: z.string() })),
});

/** What must not happen to a device once it was linked: asked for a QR, linked anew, refused, lost, gone back to an older profile. */
const BAD = ['register', 'paired', 'login_refused', 'logout', 'device_removed', 'rollback'] as const;

/** WhatsApp and the phones, outside of all machines. */
export class Emulator {
  readonly #process: BenchProcess;
  #linkedAt = 0;

  static async start(): Promise<Emulator> {
    return new Emulator(await startProgram('emulator/main.ts', { EMULATOR_BIND_ADDRESS: OUTSIDE }));
  }

  private constructor(process: BenchProcess) {
    this.#process = process;
  }

  /** The settings that lead an instance here. */
  get settings(): Record<string, string> {
    const { https_port: port, spki } = this.#process.ready;
    return { WHATSAPP_WEB_RESOLVE: `${OUTSIDE}:${String(port)}`, WHATSAPP_WEB_SPKI: String(spki) };
  }

  async scan(qr: string, phone: string): Promise<void> {
    await this.#ask('POST', '/scan', { qr, phone, name: `Phone ${phone}` });
  }

  /** Whether a device of this account is connected, by a browser that came at this time (wall clock, ms) or later. */
  async connectedSince(phone: string, since: number): Promise<boolean> {
    const { connections } = connectionsSchema.parse(await this.#ask('GET', `/connections?phone=${phone}`));
    return connections.some(
      ({ logged_in_at, disconnected_at }) =>
        logged_in_at !== null && disconnected_at === null && Date.parse(logged_in_at) >= since,
    );
  }

  /** From now on no device may be linked, or lost. */
  async allLinked(): Promise<void> {
    this.#linkedAt = (await this.#log(0)).last_id;
  }

  /** What happened since then that must not. */
  async misfortunes(): Promise<string[]> {
    const { log, truncated } = await this.#log(this.#linkedAt);
    const found = log.filter(({ event }) => BAD.some((bad) => bad === event));
    return [
      ...found.map((entry) => JSON.stringify(entry)),
      ...(truncated ? ['the emulator has forgotten the beginning of its log'] : []),
    ];
  }

  /** How often each text was sent by devices of an account: under how many ids. */
  async sent(phone: string): Promise<Map<string, number>> {
    const { sent } = sentSchema.parse(await this.#ask('GET', `/sent?phone=${phone}&limit=1000000`));
    const counts = new Map<string, number>();
    for (const { body, ack } of sent)
      if (body !== null && ack >= 0) counts.set(body, (counts.get(body) ?? 0) + 1);
    return counts;
  }

  async close(): Promise<void> {
    await this.#process.stop();
  }

  async #log(after: number): Promise<z.infer<typeof logSchema>> {
    return logSchema.parse(await this.#ask('GET', `/log?after=${after}&limit=100000`));
  }

  async #ask(method: string, path: string, body?: Json): Promise<Json> {
    return await mustAsk(method, `${String(this.#process.ready['control_url'])}${path}`, {}, body);
  }
}
