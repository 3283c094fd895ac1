import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../helpers/redis.ts';

/** nginx as a proxy before one instance. */
export interface Nginx {
  url: string;
  /** Of the master; its worker is below it. */
  pid: number;
  version: string;
  stop(): Promise<void>;
}

/**
 * Starts nginx with one worker, connections to the instance kept open, and no access log: set up well for what it is asked here.
 *
 * @param headers added to what the instance gets
 */
export async function startNginx(
  directory: string,
  instance: string,
  headers: Record<string, string>,
): Promise<Nginx> {
  const port = await freePort();
  const root = join(directory, 'nginx');
  await mkdir(root, { mode: 0o700 });
  const added = Object.entries(headers).map(([name, value]) => `proxy_set_header ${name} ${value};`);
  const scratch = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(root, name)};`,
  );
  const config = `
daemon off; worker_processes 1; pid ${join(root, 'pid')}; error_log ${join(root, 'error.log')};
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000; ${scratch.join(' ')}
  upstream instance { server ${new URL(instance).host}; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://instance; proxy_http_version 1.1; proxy_set_header Connection ""; ${added.join(' ')} }
  }
}
`;
  await writeFile(join(root, 'nginx.conf'), config, { mode: 0o600 });
  const child = spawn('nginx', ['-c', join(root, 'nginx.conf'), '-e', join(root, 'error.log')], {
    stdio: 'ignore',
  });
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`);
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { stderr } = await promisify(execFile)('nginx', ['-v']);
  return {
    url,
    pid: child.pid ?? 0,
    version: /nginx\/(\S+)/.exec(stderr)?.[1] ?? 'unknown',
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}
