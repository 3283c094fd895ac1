import { Agent, request } from 'undici';
import { z } from 'zod';
import type { Prober, Said } from './monitor.ts';

/** A probe gives up after so long, milliseconds; whoever asked has given up before. */
const TIMEOUT = 2500;

/** What a probe reads of an instance's `/health`: no more, so that a newer one is understood too. */
const probedSchema = z.object({
  instance: z.string(),
  storage: z.object({ ok: z.boolean() }).optional(),
  ownership: z.object({ workspaces: z.number() }).nullish(),
});

/**
 * Probes by `GET /health`, on connections of its own: one that was open when a machine went away would be silent for long, and those of
 * requests may all be in use. A short keep-alive spares the handshake of each probe.
 */
export class HttpProber implements Prober {
  readonly #agent = new Agent({
    connections: 2,
    connect: { timeout: TIMEOUT },
    headersTimeout: TIMEOUT,
    bodyTimeout: TIMEOUT,
    keepAliveTimeout: 10_000,
  });

  async probe(url: string, instance: string): Promise<Said> {
    const answer = await request(`${url}/health`, {
      dispatcher: this.#agent,
      signal: AbortSignal.timeout(TIMEOUT),
    });
    const health = probedSchema.parse(await answer.body.json());
    if (health.instance !== instance) throw new Error(`${health.instance} answers there`);
    return { storageOk: health.storage?.ok ?? null, owned: health.ownership?.workspaces ?? null };
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
