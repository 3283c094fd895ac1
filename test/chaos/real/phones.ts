import { z } from 'zod';
import type { Host } from '../hosts/host.ts';
import type { HostProcess } from '../hosts/host-process.ts';
import { type Json, mustAsk } from './asking.ts';

const readySchema = z.object({ https_port: z.number(), control_url: z.url(), spki: z.string() });

const sentSchema = z.object({
  sent: z.array(
    z.object({
      position: z.number(),
      id: z.string(),
      phone: z.string(),
      device: z.string(),
      to: z.string(),
      body: z.string().nullable(),
      ack: z.number(),
      attempts: z.number(),
    }),
  ),
});

const deliveredSchema = z.object({
  delivered: z.array(
    z.object({
      position: z.number(),
      id: z.string(),
      phone: z.string(),
      device: z.string(),
      result: z.enum(['stored', 'duplicate', 'unreadable']).nullable(),
    }),
  ),
});

const connectionsSchema = z.object({
  connections: z.array(
    z.object({
      connection: z.number(),
      device: z.string().nullable(),
      page_id: z.string().nullable(),
      logged_in_at: z.string().nullable(),
      disconnected_at: z.string().nullable(),
      logged_in_mono_ms: z.number().nullable(),
      disconnected_mono_ms: z.number().nullable(),
      reason: z.string().nullable(),
    }),
  ),
  overlaps: z.array(
    z.object({
      device: z.string(),
      first: z.number(),
      second: z.number(),
      same_page: z.boolean(),
      started_at: z.string().nullable(),
      milliseconds: z.number(),
    }),
  ),
});

const logSchema = z.object({
  last_id: z.number(),
  truncated: z.boolean(),
  /** Entries about a message carry its id where others have their own. */
  log: z.array(z.looseObject({ time: z.string(), event: z.string() })),
});

export type SentByDevice = z.infer<typeof sentSchema>['sent'][number];
export type Delivered = z.infer<typeof deliveredSchema>['delivered'][number];
export type Connections = z.infer<typeof connectionsSchema>;
export type LogEntry = z.infer<typeof logSchema>['log'][number];

/**
 * How often the emulator pings, milliseconds: a browser that is stopped, or whose host is gone, is dropped within three times that. As with WhatsApp this is
 * what ends the connection of one who cannot close it; here it is sooner than a takeover, so that who is connected then can send.
 */
const PING = 2000;

/** How long two connections of one device are left side by side, milliseconds: only the fleet ends an overlap. */
const CONFLICT_GRACE = 600_000;

/** WhatsApp and the phones: the emulator as a process on a host. */
export class WhatsApp {
  readonly #process: HostProcess;
  readonly #ready: z.infer<typeof readySchema>;
  readonly #host: Host;

  private constructor(host: Host, process: HostProcess, ready: z.infer<typeof readySchema>) {
    this.#host = host;
    this.#process = process;
    this.#ready = ready;
  }

  /** @param main the emulator's program */
  static async start(host: Host, main: string): Promise<WhatsApp> {
    const process_ = await host.start('emulator', process.execPath, [main], {
      EMULATOR_PORT: '0',
      EMULATOR_CONTROL_PORT: '0',
      EMULATOR_BIND_ADDRESS: host.address,
      EMULATOR_DATA: '',
      LOG_LEVEL: 'warn',
    });
    const whatsapp = new WhatsApp(host, process_, readySchema.parse(await process_.ready()));
    await whatsapp.post('/config', { ping_interval_ms: PING, conflict_grace_ms: CONFLICT_GRACE });
    return whatsapp;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** What instances are told, so that their browsers come here. */
  get env(): Record<string, string> {
    return {
      WHATSAPP_WEB_RESOLVE: `${this.#host.address}:${this.#ready.https_port}`,
      WHATSAPP_WEB_SPKI: this.#ready.spki,
    };
  }

  async post(path: string, body: Json): Promise<Json> {
    return await mustAsk('POST', `${this.#ready.control_url}${path}`, {}, body);
  }

  /** Messages that devices sent, from a position on. */
  async sent(after: number): Promise<SentByDevice[]> {
    return sentSchema.parse(await this.#get(`/sent?after=${after}&limit=1000000`)).sent;
  }

  async delivered(after: number): Promise<Delivered[]> {
    return deliveredSchema.parse(await this.#get(`/delivered?after=${after}&limit=1000000`)).delivered;
  }

  async connections(): Promise<Connections> {
    return connectionsSchema.parse(await this.#get('/connections'));
  }

  /** What happened after a number of entries, in order, and how many there are now. Throws where some of it is forgotten already. */
  async log(after: number): Promise<{ entries: LogEntry[]; count: number }> {
    const { log, truncated, last_id } = logSchema.parse(await this.#get(`/log?after=${after}&limit=100000`));
    if (truncated) throw new Error('the log of the emulator is shorter than what happened since it was read');
    return { entries: log, count: last_id };
  }

  async state(): Promise<Json> {
    return await this.#get('/state');
  }

  async #get(path: string): Promise<Json> {
    return await mustAsk('GET', `${this.#ready.control_url}${path}`, {});
  }
}
