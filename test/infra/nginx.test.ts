import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { WharfEvent } from '../../fleet/events/event.ts';
import { eventually } from '../helpers/eventually.ts';
import { finished } from '../helpers/local-fleet.ts';
import { ADMIN_KEY, startFleet, type TestFleet } from '../helpers/router.ts';
import { type RouterProcess, startRouterProcess } from '../helpers/router-process.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';
import {
  type AskOptions,
  checkConfiguration,
  type NginxProxy,
  startNginxProxy,
  writeConfiguration,
} from './nginx-proxy.ts';

const KEY = { 'x-api-key': ADMIN_KEY };
const SESSION = '/api/whatsapp/sessions/main';
/** Only ends what hangs: three processes start before each test. */
const PATIENCE = 300_000;

const missing = await finished('nginx', ['-v'], {}).then(
  () => undefined,
  () => 'there is no nginx',
);
if (missing !== undefined) process.stderr.write(`infra/nginx is not tested: ${missing}\n`);

describe.skipIf(missing !== undefined)('infra/nginx/wharf.conf', { timeout: PATIENCE }, () => {
  it('is taken by nginx without a warning', async () => {
    const directory = await temporaryDirectory();
    const { path } = await writeConfiguration(directory, ['127.0.0.1:1', '127.0.0.1:2']);
    const { code, said } = await checkConfiguration(path, directory);
    expect(said).not.toMatch(/\[(warn|emerg|alert)\]/);
    expect(code).toBe(0);
  });

  let fleet: TestFleet;
  let nginx: NginxProxy;

  const statusOf = async (path: string, options?: AskOptions) => {
    const answer = await nginx.ask(path, options);
    await answer.body.dump();
    return answer.statusCode;
  };

  describe('before a router', () => {
    beforeEach(async () => {
      fleet = await startFleet();
      await fleet.addInstance('instance-1');
      await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 2, session_id: 'main' } });
      const { host } = new URL(fleet.url);
      nginx = await startNginxProxy(await temporaryDirectory(), [host, host]);
    }, PATIENCE);
    afterEach(async () => {
      await nginx.stop();
      await fleet.close();
    });

    it('takes uploads of 20 MB, and refuses what no router would take', async () => {
      const headers = { ...KEY, 'content-type': 'application/pdf' };
      const path = '/api/whatsapp/media?workspace_id=2';
      expect(await statusOf(path, { method: 'POST', headers, body: Buffer.alloc(20_000_000, 1) })).toBe(201);
      const larger = Buffer.alloc(66 * 1024 * 1024);
      expect(await statusOf(path, { method: 'POST', headers, body: larger }).catch(() => 413)).toBe(413);
    });

    it('passes on the id of a request where routers take it, and makes one where not', async () => {
      const idOf = async (id: string) => {
        const answer = await nginx.ask(SESSION, { headers: { ...KEY, 'x-request-id': id } });
        await answer.body.dump();
        return answer.headers['x-request-id'];
      };
      expect(await idOf('caller-7')).toBe('caller-7');
      expect(await idOf('a b;c')).toMatch(/^[0-9a-f]{32}$/);
    });

    it('keeps metrics inside, leads people to TLS, and leaves programs that come without it outside', async () => {
      expect(await statusOf('/metrics')).toBe(404);
      expect(await statusOf('/ready')).toBe(200);
      const page = await nginx.askPlainly('/');
      await page.body.dump();
      expect([page.statusCode, page.headers['location']]).toEqual([301, 'https://wharf.example/']);
      const api = await nginx.askPlainly(SESSION);
      await api.body.dump();
      expect(api.statusCode).toBe(403);
    });
  });

  describe('before two routers', () => {
    let routers: [RouterProcess, RouterProcess];

    beforeEach(async () => {
      fleet = await startFleet();
      await fleet.addInstance('instance-1');
      await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 2, session_id: 'main' } });
      const settings = { WHARF_STOP_DELAY: '2000' };
      routers = [await startRouterProcess(fleet, settings), await startRouterProcess(fleet, settings)];
      nginx = await startNginxProxy(await temporaryDirectory(), [hostOf(routers[0]), hostOf(routers[1])]);
    }, PATIENCE);
    afterEach(async () => {
      await nginx.stop();
      await Promise.all(routers.map((router) => router.kill()));
      await fleet.close();
    });

    /** Does something again and again, by eight at a time, and kills a router when a fifth of it is done. */
    const whileOneIsKilled = async (times: number, does: (turn: number) => Promise<number>) => {
      const answers: number[] = [];
      let next = 0;
      let killed: Promise<void> | undefined;
      const worker = async () => {
        while (next < times) {
          answers.push(await does(next++));
          if (answers.length >= times / 5) killed ??= routers[0].kill();
        }
      };
      await Promise.all(Array.from({ length: 8 }, worker));
      await killed;
      return answers;
    };

    it('fails no GET while a router is killed', async () => {
      const answers = await whileOneIsKilled(400, () => statusOf(SESSION, { headers: KEY }));
      expect(answers).toEqual(Array(400).fill(200));
    });

    it('fails and doubles no message with an Idempotency-Key while a router is killed', async () => {
      const answers = await whileOneIsKilled(200, (turn) =>
        statusOf(`${SESSION}/messages`, {
          method: 'POST',
          headers: { ...KEY, 'content-type': 'application/json', 'idempotency-key': `order-${turn}` },
          body: JSON.stringify({ to: '491701234567', text: `message ${turn}` }),
        }),
      );
      expect(answers).toEqual(Array(200).fill(202));
      const [queue] = await fleet.router.services.queues.views();
      expect(queue?.depth).toBe(200);
    });

    it('fails and doubles nothing that may be asked again while a router stops', async () => {
      let isOver = false;
      const stopped = routers[0].stop().finally(() => {
        isOver = true;
      });
      const answers: number[] = [];
      let messages = 0;
      const worker = async (_: unknown, worker: number) => {
        // Some more than until it is gone.
        for (let turn = 0, more = 20; more > 0; turn += 1, more -= isOver ? 1 : 0) {
          const key = `order-${worker}-${turn}`;
          const status = await statusOf(`${SESSION}/messages`, {
            method: 'POST',
            headers: { ...KEY, 'content-type': 'application/json', 'idempotency-key': key },
            body: JSON.stringify({ to: '491701234567', text: key }),
          });
          messages += 1;
          answers.push(status, (await statusOf(SESSION, { headers: KEY })) + 2);
        }
      };
      await Promise.all(Array.from({ length: 4 }, worker));
      expect(await stopped).toBe(0);
      expect(answers.filter((status) => status !== 202)).toEqual([]);
      const [queue] = await fleet.router.services.queues.views();
      expect(queue?.depth).toBe(messages);
    });

    it('never hands a message without a key to a second router', async () => {
      const answers = await whileOneIsKilled(200, () =>
        statusOf(`${SESSION}/messages`, {
          method: 'POST',
          headers: { ...KEY, 'content-type': 'application/json' },
          body: JSON.stringify({ to: '491701234567', text: 'once' }),
        }),
      );
      const accepted = answers.filter((status) => status === 202).length;
      expect(answers.every((status) => status === 202 || status === 502)).toBe(true);
      const [queue] = await fleet.router.services.queues.views();
      expect(queue?.depth).toBeGreaterThanOrEqual(accepted);
      expect(queue?.depth).toBeLessThanOrEqual(200);
    });

    it('shows events at once, and goes on with nothing missing where the router of a stream is killed', async () => {
      const first = await follow();
      await fleet.router.services.events.append([revoked(1)]);
      await eventually(() => first.ids.length === 1);
      const serving = await routerOfTheStream();
      await serving.kill();
      await first.ended;
      await fleet.router.services.events.append([revoked(2)]);
      const again = await follow(first.lastId);
      await fleet.router.services.events.append([revoked(3)]);
      await eventually(() => again.ids.length === 2);
      expect([...first.ids, ...again.ids]).toEqual(['evt_1', 'evt_2', 'evt_3']);
      again.close();
      await again.ended;
    });

    /** A client of the stream, from after an event if one is named; it has begun when this resolves. */
    async function follow(after?: string) {
      const path = '/api/whatsapp/events?workspace_id=2';
      const headers = { ...KEY, ...(after === undefined ? {} : { 'last-event-id': after }) };
      const { statusCode, body } = await nginx.ask(path, { headers });
      expect(statusCode).toBe(200);
      const stream = {
        ids: [] as string[],
        lastId: '',
        ended: Promise.resolve(),
        close: () => body.destroy(),
      };
      let begun = false;
      const read = async () => {
        let text = '';
        for await (const chunk of body) {
          begun = true;
          text += String(chunk);
          for (const [, id, data] of text.matchAll(/^id: (.+)\n(?:event: .+\n)?data: (.+)\n\n/gm)) {
            const parsed = z.object({ id: z.string() }).parse(JSON.parse(data ?? ''));
            if (!stream.ids.includes(parsed.id)) stream.ids.push(parsed.id);
            stream.lastId = id ?? '';
          }
        }
      };
      // Cut, by the router's death or by us.
      stream.ended = read().catch(() => undefined);
      await eventually(() => begun);
      return stream;
    }

    async function routerOfTheStream(): Promise<RouterProcess> {
      for (const router of routers) {
        const metrics = await (await fetch(`${router.url}/metrics`)).text();
        if (/^wharf_event_streams(\{.*\})? 1$/m.test(metrics)) return router;
      }
      throw new Error('no router serves the stream');
    }
  });
});

const hostOf = (router: RouterProcess) => new URL(router.url).host;

function revoked(number: number): WharfEvent {
  return {
    id: `evt_${number}`,
    type: 'message.revoked',
    timestamp: '2026-01-01T00:00:00.000Z',
    workspace_id: '2',
    session_id: 'main',
    data: { whatsapp_id: `true_${number}`, chat_id: 'chat' },
  };
}
