import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { findChromium } from '../../../instance/whatsapp/chromium.ts';
import { killGroup, waitForGroupEnd } from '../../../instance/whatsapp/process-tree.ts';
import { Phones } from '../../bench/support/phones.ts';
import { type BenchProcess, startProgram } from '../../bench/support/processes.ts';
import { browsersUnder } from '../../helpers/processes.ts';
import type { EmulatedPhones } from '../backups/emulated.ts';

/** How often one is started before it is linked. */
const START_TRIES = 5;

/** An application of before, with its one client. */
export class PlainClient {
  readonly clientId: string;
  readonly phone: string;
  readonly #dataPath: string;
  readonly #process: BenchProcess;

  private constructor(clientId: string, phone: string, dataPath: string, process: BenchProcess) {
    this.clientId = clientId;
    this.phone = phone;
    this.#dataPath = dataPath;
    this.#process = process;
  }

  /** Starts one, links it, and returns when it writes messages. */
  static async link(
    emulated: EmulatedPhones,
    { clientId, phone, chat, dataPath }: { clientId: string; phone: string; chat: string; dataPath: string },
  ): Promise<PlainClient> {
    const { path } = await findChromium(null, 'auto');
    const env = {
      CHROMIUM: path,
      PLAIN_CLIENT: clientId,
      PLAIN_DATA: dataPath,
      PLAIN_CHAT: chat,
      ...emulated.browserEnv,
    };
    const process = await PlainClient.#start(env);
    const client = new PlainClient(clientId, phone, dataPath, process);
    try {
      const lines = createInterface(process.child.stdout as NodeJS.ReadableStream);
      const busy = (async () => {
        for await (const line of lines) if (line.includes('"busy"')) return;
        throw new Error(`the client ${clientId} ended before it had sent anything`);
      })();
      await new Phones(emulated.controlUrl).scan(String(process.ready['qr']), phone);
      await busy;
      // It goes on printing nothing; a pipe that nobody reads would hold nothing up.
      process.child.stdout?.resume();
    } catch (error) {
      await client.kill();
      throw error;
    }
    return client;
  }

  /** A machine under load may be too slow for the library, which then gives up: whoever runs it starts it again. */
  static async #start(env: Record<string, string>): Promise<BenchProcess> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await startProgram('test/chaos/import/plain-client-process.ts', env);
      } catch (error) {
        await endBrowsers(`${env['PLAIN_DATA']}/session-${env['PLAIN_CLIENT']}`);
        if (attempt === START_TRIES) throw error;
      }
    }
  }

  /** As a deployment ends it: the browser is closed. */
  async stop(): Promise<void> {
    await this.#process.stop();
  }

  /** As a machine that runs out of memory ends it, in the middle of what it does: first the application, whose browser goes on living, then that too. */
  async kill(): Promise<void> {
    const { child } = this.#process;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    await endBrowsers(`${this.#dataPath}/session-${this.clientId}`);
  }
}

/** Ends browsers that outlive their application. */
async function endBrowsers(userData: string): Promise<void> {
  for (const { pid } of await browsersUnder(userData)) {
    killGroup(pid);
    await waitForGroupEnd(pid, 30_000);
  }
}
