import { createInterface } from 'node:readline';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { findChromium } from '../../../instance/whatsapp/chromium.ts';
import { type BenchProcess, startProgram } from '../../bench/support/processes.ts';
import type { ProvenSession } from '../messages/fleet.ts';
import type { EmulatedPhones } from './emulated.ts';

/** Browsers at one time; two cores start them one after another anyhow. */
const AT_ONCE = 6;

/** Plain whatsapp-web.js, which starts saved sessions as they lie there, without any repair. */
export class LibraryStart {
  readonly #process: BenchProcess;
  readonly #answers: AsyncIterator<string>;

  private constructor(process: BenchProcess) {
    this.#process = process;
    this.#answers = createInterface(process.child.stdout as NodeJS.ReadableStream)[Symbol.asyncIterator]();
  }

  static async make(emulated: EmulatedPhones): Promise<LibraryStart> {
    const { path } = await findChromium(null, 'auto');
    const process = await startProgram('test/chaos/backups/library-start-process.ts', {
      CHROMIUM: path,
      ...emulated.browserEnv,
      WHARF_EXIT_WITH_PARENT: '0',
    });
    return new LibraryStart(process);
  }

  /** Starts sessions that lie under a session path in a generation's directory, and closes them; what came of each. */
  async start(
    sessionPath: string,
    sessions: readonly (ProvenSession & { generation: number })[],
  ): Promise<Map<string, string>> {
    const paths = new SessionPaths(sessionPath);
    const orders = sessions.map(({ workspace, session, generation }) => ({
      session,
      dataPath: paths.generation({ workspace, session, generation }),
    }));
    this.#process.child.stdin?.write(`${JSON.stringify({ sessions: orders, atOnce: AT_ONCE })}\n`);
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error('the process that starts plain whatsapp-web.js has ended');
    return new Map(Object.entries(JSON.parse(String(value)) as Record<string, string>));
  }

  async stop(): Promise<void> {
    // It ends with its input.
    this.#process.child.stdin?.end();
    await this.#process.stop();
  }
}
