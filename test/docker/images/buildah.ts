import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type CommandResult, command, tryCommand } from '../../chaos/hosts/command.ts';

const inspectedSchema = z.object({ Docker: z.object({ config: z.unknown() }) });

/** What an image is built from. */
export interface Recipe {
  /** The Dockerfile. */
  file: string;
  /** The directory its COPY reads from. */
  context: string;
  /** How it is called then: `docker.io/library/wharf`. */
  name: string;
  /** Files of this machine that its steps see, and the image does not keep: `FROM:TO`. */
  lent?: readonly string[];
}

/** Builds images without an engine, in a store of its own. */
export class Buildah {
  readonly #store: readonly string[];

  /** @param directory where its store goes */
  constructor(directory: string) {
    const [root, runroot] = [join(directory, 'store'), join(directory, 'run')];
    // vfs works on every file system, also where this machine is itself a container.
    this.#store = ['--root', root, '--runroot', runroot, '--storage-driver', 'vfs'];
  }

  /** Builds an image: in the format of Docker, since the other one has no health check. */
  async build({ file, context, name, lent = [] }: Recipe): Promise<void> {
    const volumes = lent.flatMap((one) => ['--volume', `${one}:ro`]);
    await this.#buildah([
      ...['build', '--format', 'docker', '--isolation', 'chroot', '--pull-never', '--layers=false'],
      ...[...volumes, '--file', file, '--tag', name, context],
    ]);
  }

  /** What the image says of how it is run: Docker's words. */
  async configuration(name: string): Promise<unknown> {
    const told = await this.#buildah(['inspect', '--type', 'image', name]);
    return inspectedSchema.parse(JSON.parse(told)).Docker.config;
  }

  /** Writes an image to a file, as `docker save` would, uncompressed. */
  async save(name: string, file: string): Promise<void> {
    await rm(file, { force: true });
    await this.#buildah(['push', '--quiet', name, `docker-archive:${file}:${name}`]);
  }

  /** Makes a container of an image. Answers its name and where its files lie. */
  async container(name: string): Promise<{ container: string; root: string }> {
    const container = (await this.#buildah(['from', '--pull-never', name])).trim();
    return { container, root: (await this.#buildah(['mount', container])).trim() };
  }

  /** Runs a program in a container, as the image's user, in the network of this machine. */
  async run(container: string, argv: readonly string[]): Promise<CommandResult> {
    return await tryCommand('buildah', [
      ...[...this.#store, 'run', '--isolation', 'chroot', container, '--', ...argv],
    ]);
  }

  async remove(container: string): Promise<void> {
    await this.#buildah(['rm', container]);
  }

  async #buildah(args: readonly string[]): Promise<string> {
    return await command('buildah', [...this.#store, ...args]);
  }
}
