import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { imageFiles } from '../../scripts/package/image-files.mjs';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path) => readFile(join(root, path), 'utf8');
const configuration = await read('docs/configuration.md');
/** The source that is built to a file below dist/. */
const sourceOf = (built) => join(root, built.replace(/^.*\bdist\//, '').replace(/\.js$/, '.ts'));

describe('infra/pm2/ecosystem.config.cjs', () => {
  const file = join(root, 'infra/pm2/ecosystem.config.cjs');
  const load = createRequire(import.meta.url);
  const before = process.env.WHARF_SETTINGS;
  afterEach(() => {
    process.env.WHARF_SETTINGS = before ?? '';
    if (before === undefined) delete process.env.WHARF_SETTINGS;
  });

  async function appsOf(files) {
    const settings = await temporaryDirectory();
    for (const [name, text] of Object.entries(files)) await writeFile(join(settings, name), text);
    process.env.WHARF_SETTINGS = settings;
    delete load.cache[file];
    return load(file).apps;
  }

  it('runs what pm2.env names, each with its own settings above those of all', async () => {
    const apps = await appsOf({
      'pm2.env': 'WHARF_ROUTER=1\nWHARF_INSTANCES=1,3\nWHARF_BACKUP=1\n',
      'wharf.env': 'REDIS_URL=redis://r\nPORT=1\n',
      'router.env': 'PORT=3000\n',
      'instance.env': 'WHATSAPP_MAX_SESSIONS_PER_INSTANCE=40\nPORT=3001\n',
      'instance-3.env': 'PORT=3003\n',
    });
    expect(apps.map(({ name, env }) => [name, env.PORT, env.INSTANCE_ID])).toEqual([
      ['wharf-router', '3000', undefined],
      ['wharf-instance-1', '3001', 'instance-1'],
      ['wharf-instance-3', '3003', 'instance-3'],
      ['wharf-backup', '1', undefined],
    ]);
    for (const { script, env, treekill, exec_mode, kill_timeout } of apps) {
      expect(existsSync(sourceOf(script)), script).toBe(true);
      expect(env).toMatchObject({ REDIS_URL: 'redis://r', NODE_ENV: 'production' });
      expect([treekill, exec_mode]).toEqual([false, 'fork']);
      expect(kill_timeout).toBeGreaterThanOrEqual(30_000);
    }
  });

  it('gives a router the time that its settings let it take to stop', async () => {
    const timeOf = async (text) =>
      (await appsOf({ 'pm2.env': 'WHARF_ROUTER=1\n', 'router.env': text }))[0].kill_timeout;
    expect(await timeOf('')).toBe(50_000);
    expect(await timeOf('WHARF_STOP_DELAY=5000\nWHARF_MOVE_HOLD_TIME=60000\n')).toBe(85_000);
  });

  it('runs nothing where nothing is named, and refuses settings it cannot read', async () => {
    expect(await appsOf({})).toEqual([]);
    process.env.WHARF_SETTINGS = file;
    delete load.cache[file];
    expect(() => load(file)).toThrow('ENOTDIR');
  });
});

describe('infra/docker', () => {
  it('has a compose file of services that hold together', async () => {
    const compose = parse(await read('infra/docker/compose.yaml'), { merge: true });
    const { services, networks, volumes } = compose;
    const nginx = await read('infra/nginx/wharf.conf');
    for (const [name, service] of Object.entries(services)) {
      for (const network of Array.isArray(service.networks)
        ? service.networks
        : Object.keys(service.networks))
        expect(networks, name).toHaveProperty([network]);
      for (const volume of service.volumes ?? []) {
        const [source] = volume.split(':');
        if (!source.startsWith('.')) expect(volumes, name).toHaveProperty([source]);
      }
      for (const variable of Object.keys(service.environment ?? {}))
        expect(configuration, `${name}: ${variable}`).toContain(`\`${variable}\``);
      expect(service.privileged, name).toBeUndefined();
    }
    for (const router of ['router-1', 'router-2'])
      expect(nginx).toContain(`server ${services[router].networks.front.ipv4_address}:3000 `);
    for (const instance of ['instance-1', 'instance-2']) {
      const { hostname, environment, cap_drop, security_opt } = services[instance];
      expect([hostname, environment.INSTANCE_ID]).toEqual([instance, instance]);
      expect(environment.ANNOUNCE_URL).toBe(`http://${instance}:${environment.PORT}`);
      expect(environment.WHARF_CHROMIUM_SANDBOX).toBe('on');
      expect(cap_drop).toEqual(['ALL']);
      expect(security_opt).toContain('no-new-privileges:true');
    }
    for (const redis of ['registry', 'queues']) {
      expect(services[redis].command.join(' ')).toMatch(
        /--appendonly yes --appendfsync always --maxmemory-policy noeviction/,
      );
      expect(services[redis].networks).toEqual(['inside']);
    }
    expect(networks.inside.internal).toBe(true);
  });

  it('has an image without secrets, that runs as nobody in particular under a process that reaps', async () => {
    const text = await read('infra/docker/Dockerfile');
    const instructions = text
      .replaceAll(/\\\n/g, ' ')
      .split('\n')
      .filter((line) => /^[A-Z]+ /.test(line));
    const last = (word) => instructions.filter((line) => line.startsWith(`${word} `)).at(-1) ?? '';
    expect(last('USER')).toBe('USER wharf');
    expect(last('ENTRYPOINT')).toContain('/usr/bin/tini');
    expect(last('HEALTHCHECK')).toContain('healthcheck.mjs');
    expect(last('ENV')).not.toMatch(/TOKEN|KEY|SECRET|PASSWORD|REDIS/);
    const ignored = await read('.dockerignore');
    for (const line of instructions.filter((line) => /^COPY (?!--from)/.test(line))) {
      const sources = line
        .split(/ +/)
        .slice(1, -1)
        .filter((source) => source !== '.');
      for (const source of sources) {
        expect(existsSync(join(root, source)), source).toBe(true);
        expect(ignored.split('\n')).toContain(`!${source}`);
      }
    }
    const laid = imageFiles('1.2.3').filter(({ from }) => from && !/^(dist|node_modules)\//.test(from));
    expect(laid.map(({ to }) => to)).toContain('usr/lib/wharf/docker/healthcheck.mjs');
    for (const { from } of laid) {
      expect(existsSync(join(root, from)), from).toBe(true);
      const [folder] = from.split('/');
      expect(
        ignored.split('\n').some((line) => [`!${from}`, `!${folder}`].includes(line)),
        from,
      ).toBe(true);
    }
    const built = (await read('infra/docker/start.sh')).match(/dist\/\S+\.js/g) ?? [];
    expect(built.map((path) => existsSync(sourceOf(path)))).toEqual([true, true, true]);
  });
});
