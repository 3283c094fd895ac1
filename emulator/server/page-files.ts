import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../common/errors.ts';
import type { PageBoot } from '../protocol/boot.ts';
import type { Faults } from './faults.ts';

/** What `window.Debug.VERSION` says: of the form WhatsApp Web has. */
const PAGE_VERSION = '2.3000.1030000000';
export const SOCKET_PATH = '/ws';
const BOOT_MARK = '<!--boot-->';

/** A file as it is answered. */
export interface PageFile {
  body: string;
  contentType: string;
  etag: string;
}

/** The page's two files, from the directory they were built into. Read anew at each request, so that a rebuild shows at once. */
export class PageFiles {
  readonly #directory: string;
  readonly #faults: Faults;

  /** @param directory holds `index.html` and `page.js` */
  constructor(directory: string, faults: Faults) {
    this.#directory = directory;
    this.#faults = faults;
  }

  /**
   * The page with its boot values in it.
   *
   * @throws Error that says how to build it, when it is not there
   */
  async index(): Promise<PageFile> {
    const template = await this.#read('index.html');
    // JSON inside a script element: `<` must not end the element.
    const boot = JSON.stringify(this.#boot()).replaceAll('<', '\\u003c');
    return file(
      template.replace(BOOT_MARK, `<script>window.wharfEmulatorBoot=${boot}</script>`),
      'text/html; charset=utf-8',
    );
  }

  /** The page's script. Throws as {@link index}. */
  async script(): Promise<PageFile> {
    return file(await this.#read('page.js'), 'text/javascript; charset=utf-8');
  }

  #boot(): PageBoot {
    const { missing_modules: missingModules, phones } = this.#faults.view();
    const own = Object.entries(phones).flatMap(([phone, faults]) =>
      faults.missing_modules === undefined
        ? []
        : [[phone, { missingModules: faults.missing_modules }] as const],
    );
    return {
      version: PAGE_VERSION,
      socketPath: SOCKET_PATH,
      missingModules,
      phones: Object.fromEntries(own),
    };
  }

  async #read(name: string): Promise<string> {
    try {
      return await readFile(join(this.#directory, name), 'utf8');
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
      throw new Error(
        `The emulated page is not built: ${name} is missing in ${this.#directory}. Run: node scripts/build.mjs`,
        { cause: error },
      );
    }
  }
}

function file(body: string, contentType: string): PageFile {
  return { body, contentType, etag: `"${createHash('sha256').update(body).digest('base64url')}"` };
}
