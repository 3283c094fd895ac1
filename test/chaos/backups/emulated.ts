import { type BenchProcess, startProgram } from '../../bench/support/processes.ts';
import { type Json, mustAsk } from '../real/asking.ts';

/** How the accounts are that are linked from now on. */
export interface HistorySize {
  chats: number;
  messages: number;
  characters: number;
}

/** Messages of a chat, and what each of them has on average: text and the preview of an image, say. */
const CHAT = { messages: 20, characters: 24_000 };

/** A history that makes a profile of about so many megabytes; none for 0. */
export function historyOf(megabytes: number): HistorySize {
  const chats = Math.ceil((megabytes * 1e6) / (CHAT.messages * CHAT.characters));
  return { chats, ...CHAT };
}

/** The stand-in for WhatsApp. It outlives the fleets whose sessions are linked with it, as WhatsApp does. */
export class EmulatedPhones {
  readonly #process: BenchProcess;

  private constructor(process: BenchProcess) {
    this.#process = process;
  }

  /** @param history of each account */
  static async start(history: HistorySize): Promise<EmulatedPhones> {
    const emulated = new EmulatedPhones(
      await startProgram('emulator/main.ts', {
        EMULATOR_PORT: '0',
        EMULATOR_CONTROL_PORT: '0',
        EMULATOR_DATA: '',
        // It keeps what every phone has, in memory: gigabytes for a hundred accounts with a history each.
        NODE_OPTIONS: '--max-old-space-size=12000',
      }),
    );
    await emulated.ask('POST', '/config', { history });
    return emulated;
  }

  /** What an instance is told to reach it. */
  get browserEnv(): Record<string, string> {
    return {
      WHATSAPP_WEB_RESOLVE: `127.0.0.1:${String(this.#process.ready['https_port'])}`,
      WHATSAPP_WEB_SPKI: String(this.#process.ready['spki']),
    };
  }

  get controlUrl(): string {
    return String(this.#process.ready['control_url']);
  }

  async ask(method: string, path: string, body?: Json): Promise<Json> {
    return await mustAsk(method, `${this.controlUrl}${path}`, {}, body);
  }

  /** Where the log stands. */
  async position(): Promise<number> {
    return Number((await this.ask('GET', '/log?limit=1'))['last_id']);
  }

  /** QR codes that pages were given since a position of the log. */
  async qrAsked(since: number): Promise<number> {
    const { log } = await this.ask('GET', `/log?event=ref&after=${since}&limit=1000`);
    return (log as unknown[]).length;
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }
}
