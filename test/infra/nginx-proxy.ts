import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { Agent, type Dispatcher, request } from 'undici';
import { finished } from '../helpers/local-fleet.ts';

/** nginx as infra/nginx/wharf.conf sets it up, listening on sockets in a directory of the test's own. */
export interface NginxProxy {
  /** Asks it over TLS, as `https://wharf.example`. */
  ask(path: string, options?: AskOptions): Promise<Dispatcher.ResponseData>;
  /** The same without TLS, at the port that leads to the one with. */
  askPlainly(path: string): Promise<Dispatcher.ResponseData>;
  stop(): Promise<void>;
}

/** What `ask` takes. */
export interface AskOptions {
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: string | Buffer;
}

const HOST = 'wharf.example';

/**
 * Writes the configuration with the test's own addresses, certificate and files in it.
 *
 * @param routers `host:port` of the two routers
 * @returns the path of a whole configuration, for `nginx -c`
 */
export async function writeConfiguration(
  directory: string,
  routers: readonly [string, string],
): Promise<{ path: string; certificate: string }> {
  await mkdir(join(directory, 'temp'), { recursive: true });
  const { cert, private: key } = await generate([{ name: 'commonName', value: HOST }], { keySize: 2048 });
  await writeFile(join(directory, 'wharf.crt'), cert);
  await writeFile(join(directory, 'wharf.key'), key, { mode: 0o600 });
  let site = await readFile(new URL('../../infra/nginx/wharf.conf', import.meta.url), 'utf8');
  for (const [from, to] of [
    ['10.0.1.11:3000', routers[0]],
    ['10.0.1.12:3000', routers[1]],
    ['/etc/nginx/tls/', `${directory}/`],
    ['/var/log/nginx/', `${directory}/`],
    ['listen 80;', `listen unix:${directory}/http;`],
    ['listen 443 ssl http2;', `listen unix:${directory}/https ssl http2;`],
    ['listen [::]:80;', ''],
    ['listen [::]:443 ssl http2;', ''],
  ] as const) {
    if (!site.includes(from)) throw new Error(`infra/nginx/wharf.conf has no ${from}`);
    site = site.replaceAll(from, to);
  }
  await writeFile(join(directory, 'wharf.conf'), site);
  const scratch = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${directory}/temp/${name};`,
  );
  const path = join(directory, 'nginx.conf');
  await writeFile(
    path,
    `daemon off; worker_processes 1; pid ${directory}/pid; error_log ${directory}/error.log;
events {} http { ${scratch.join(' ')} include ${directory}/wharf.conf; }\n`,
  );
  return { path, certificate: cert };
}

/** What `nginx -t` says of a configuration. */
export function checkConfiguration(path: string, directory: string): Promise<{ code: number; said: string }> {
  return finished('nginx', ['-t', '-c', path, '-e', join(directory, 'error.log')], {});
}

/** Starts it; it answers when this resolves. */
export async function startNginxProxy(
  directory: string,
  routers: readonly [string, string],
): Promise<NginxProxy> {
  const { path, certificate } = await writeConfiguration(directory, routers);
  const child = spawn('nginx', ['-c', path, '-e', join(directory, 'error.log')], { stdio: 'ignore' });
  const secure = new Agent({
    connect: { socketPath: join(directory, 'https'), ca: certificate, servername: HOST },
    connections: 64,
  });
  const plain = new Agent({ connect: { socketPath: join(directory, 'http') } });
  const proxy: NginxProxy = {
    ask: (path, { method = 'GET', headers = {}, body } = {}) =>
      request(`https://${HOST}${path}`, {
        dispatcher: secure,
        method,
        headers,
        ...(body === undefined ? {} : { body }),
      }),
    askPlainly: (path) => request(`http://${HOST}${path}`, { dispatcher: plain }),
    stop: async () => {
      const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
      child.kill('SIGTERM');
      await ended;
      await Promise.all([secure.destroy(), plain.destroy()]);
    },
  };
  for (;;) {
    if (child.exitCode !== null)
      throw new Error(`nginx ended: ${await readFile(join(directory, 'error.log'), 'utf8')}`);
    const answer = await proxy.askPlainly('/').catch(() => undefined);
    await answer?.body.dump();
    if (answer !== undefined) return proxy;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
