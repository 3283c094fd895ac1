import { randomBytes } from 'node:crypto';
import { chmod, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { command } from '../../chaos/hosts/command.ts';
import { REPOSITORY } from '../repository.ts';
import type { Engine } from './engine.ts';

/** How long a service may take to be well, milliseconds. */
const PATIENCE = 300_000;

/** Services whose image says how their health is asked for. */
export const WITH_HEALTH = [
  ...['registry', 'queues', 'router-1', 'router-2', 'instance-1', 'instance-2', 'backup'],
];

/** The compose file's fleet, set up by the README's steps in a copy of its directory. */
export class ComposeFleet {
  readonly engine: Engine;
  /** What must never show in a log. */
  readonly secrets = { token: randomBytes(24).toString('hex'), adminKey: randomBytes(24).toString('hex') };
  readonly #folder: string;

  /** @param settings go into wharf.env beside the secrets */
  static async make(
    engine: Engine,
    directory: string,
    settings: Record<string, string>,
  ): Promise<ComposeFleet> {
    const folder = join(directory, 'infra/docker');
    await cp(join(REPOSITORY, 'infra/docker'), folder, { recursive: true });
    await cp(join(REPOSITORY, 'infra/nginx'), join(directory, 'infra/nginx'), { recursive: true });
    // Compose 1.29, which is what Debian 12 has, takes the project's name from its command line only.
    const file = join(folder, 'compose.yaml');
    await writeFile(file, (await readFile(file, 'utf8')).replace(/^name: .*\n/m, ''));
    const fleet = new ComposeFleet(engine, folder);
    await fleet.#settle(settings);
    return fleet;
  }

  private constructor(engine: Engine, folder: string) {
    this.engine = engine;
    this.#folder = folder;
  }

  /** The certificate that nginx shows. */
  get certificate(): string {
    return join(this.#folder, 'tls/wharf.crt');
  }

  async compose(...args: string[]): Promise<string> {
    const file = join(this.#folder, 'compose.yaml');
    return await command('docker-compose', [
      ...['--host', this.engine.host, '--project-name', 'wharf', '--file', file, ...args],
    ]);
  }

  /** The id of a service's container. */
  async container(service: string): Promise<string> {
    return (await this.compose('ps', '--quiet', service)).trim();
  }

  /** A program in a service's container, as `docker compose exec` runs it. */
  async exec(service: string, ...argv: string[]): Promise<string> {
    return await this.engine.docker('exec', await this.container(service), ...argv);
  }

  /** One thing that Docker knows of a service's container, by Go template. */
  async about(service: string, template: string): Promise<string> {
    return (await this.engine.docker('inspect', '--format', template, await this.container(service))).trim();
  }

  /** Waits until Docker calls services healthy. */
  async healthy(services: readonly string[] = WITH_HEALTH): Promise<void> {
    for (const service of services) {
      const end = performance.now() + PATIENCE;
      while ((await this.about(service, '{{.State.Health.Status}}')) !== 'healthy') {
        if (performance.now() > end)
          throw new Error(
            `${service} does not become healthy: ${await this.about(service, '{{json .State}}')}\n${await this.log(service)}`,
          );
        await sleep(250);
      }
    }
  }

  /** The end of what a service has logged. */
  async log(service: string, lines = '60'): Promise<string> {
    const { stdout, stderr } = await this.engine.try('logs', '--tail', lines, await this.container(service));
    return `${stdout}${stderr}`;
  }

  /** The README's first two steps. */
  async #settle(settings: Record<string, string>): Promise<void> {
    const tls = join(this.#folder, 'tls');
    await mkdir(tls, { recursive: true });
    await command('openssl', [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=wharf.example'],
      ...['-keyout', join(tls, 'wharf.key'), '-out', join(tls, 'wharf.crt')],
    ]);
    const { token, adminKey } = this.secrets;
    const example = await readFile(join(this.#folder, 'wharf.env.example'), 'utf8');
    const filled = example
      .replace(/^WHARF_INTERNAL_TOKEN=$/m, `WHARF_INTERNAL_TOKEN=${token}`)
      .replace(/^WHARF_ADMIN_KEY=$/m, `WHARF_ADMIN_KEY=${adminKey}`);
    const more = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    const file = join(this.#folder, 'wharf.env');
    await writeFile(file, filled + more.join(''));
    await chmod(file, 0o600);
  }
}
