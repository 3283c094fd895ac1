import { parseArgs } from 'node:util';
import { runProcess } from '../../common/lifecycle.ts';
import { publish } from '../bench/support/report.ts';
import { MessagesProof, type ProofOptions } from './messages/proof.ts';

/**
 * The proof that every accepted message ends once and every message received arrives, while instances are killed with SIGKILL:
 * `npm run prove:messages [-- --messages N --sessions K --kill-every S --seed N --only out|in --routers R --kill-routers --rate N
 * --ack-delay MS --receiver-down S --json FILE]`.
 * Exit code 1 when anything is broken, and then the logs are kept.
 */
await runProcess(async (signal) => {
  const { values } = parseArgs({
    options: {
      messages: { type: 'string', default: '10000' },
      sessions: { type: 'string', default: '20' },
      'kill-every': { type: 'string', default: '10' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      only: { type: 'string' },
      routers: { type: 'string', default: '2' },
      'kill-routers': { type: 'boolean', default: false },
      rate: { type: 'string', default: '100' },
      'ack-delay': { type: 'string', default: '100' },
      'receiver-down': { type: 'string', default: '30' },
      json: { type: 'string' },
    },
  });
  if (values.only !== undefined && !['out', 'in'].includes(values.only))
    throw new Error(`--only must be out or in, not ${values.only}`);
  const began = performance.now();
  const options: ProofOptions = {
    seed: positive('seed', values.seed),
    messages: positive('messages', values.messages),
    sessions: positive('sessions', values.sessions),
    rate: positive('rate', values.rate),
    killEvery: positive('kill-every', values['kill-every']),
    routers: positive('routers', values.routers),
    routersToo: values['kill-routers'],
    ackDelay: positive('ack-delay', values['ack-delay']),
    receiverDown: positive('receiver-down', values['receiver-down']),
    say: (text) =>
      process.stderr.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} ${text}\n`),
  };
  options.say(`seed ${options.seed}`);
  const proof = await MessagesProof.start(options);
  try {
    const figures: Record<string, number> = { messages: options.messages, sessions: options.sessions };
    const details: Record<string, unknown> = { options: { ...options, say: undefined } };
    if (values.only !== 'in' && !signal.aborted) {
      const out = await proof.outgoing(signal);
      Object.assign(figures, out.figures);
      details['out'] = out.details;
    }
    if (values.only !== 'out' && !signal.aborted) {
      const incoming = await proof.incoming(signal);
      Object.assign(figures, incoming.figures);
      details['in'] = incoming.details;
    }
    const { broken } = proof;
    await publish(
      {
        name: 'messages-proof',
        title: `Messages while instances are killed every ${options.killEvery} s, seed ${options.seed}: ${broken.length === 0 ? 'nothing lost, nothing twice' : 'BROKEN'}`,
        runs: 1,
        versions: {},
        figures,
        rows: Object.entries(figures),
        details: { ...details, broken },
      },
      { json: values.json, quick: false },
    );
    for (const text of broken) process.stdout.write(`${text}\n`);
    return broken.length === 0 && !signal.aborted ? 0 : 1;
  } finally {
    await proof.close();
  }
});

function positive(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1)
    throw new Error(`--${name} must be a whole number, at least 1, not ${text}`);
  return number;
}
