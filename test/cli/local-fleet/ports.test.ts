import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { freePort, routerPort } from '../../../cli/local-fleet/ports.ts';

describe('the port of the router', () => {
  it('is the one asked for when nobody has it', async () => {
    const port = await freePort();
    expect(await routerPort(port, '127.0.0.1')).toBe(port);
  });

  it('is refused with the way out when somebody has it', async () => {
    const port = await freePort();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    await expect(routerPort(port, '127.0.0.1')).rejects.toThrow(
      new RegExp(
        `^Port ${port} is taken by another process\\. Choose another for the router: npm start -- --port \\d+`,
      ),
    );
    await new Promise((resolve) => server.close(resolve));
  });

  it('is any free one for 0', async () => {
    expect(await routerPort(0, '127.0.0.1')).toBeGreaterThan(1023);
  });
});
