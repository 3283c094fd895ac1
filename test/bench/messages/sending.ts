import { setTimeout as sleep } from 'node:timers/promises';
import { MessagesFleet } from '../../chaos/messages/fleet.ts';
import type { SentByDevice } from '../../chaos/real/phones.ts';

/** Milliseconds from a client's request to the moment the emulator had the message, and to the router's answer. */
export interface SendTimes {
  sent: number[];
  answered: number[];
}

export interface Sending {
  /** The next is handed in when the last has arrived. */
  oneByOne: SendTimes;
  /** Ten a second, whatever became of those before. */
  steady: SendTimes;
}

/** A message of the run, and when its client began to hand it in, wall clock. */
interface HandedIn {
  text: string;
  at: number;
  answeredAt: number;
}

type Arrival = SentByDevice & { attempt_list: { time: string }[] };

const PER_SECOND = 10;

/** How long a message takes from its client's request to WhatsApp, over one idle session without limits. */
export async function measureSending(quick: boolean, say: (text: string) => void): Promise<Sending> {
  const fleet = await MessagesFleet.start({ routers: 1, instances: 1 });
  try {
    await fleet.link(1);
    await oneByOne(fleet, 'warm', 20);
    const single = await times(fleet, await oneByOne(fleet, 'one', quick ? 50 : 500));
    say('one by one: done');
    const steady = await times(fleet, await atRate(fleet, 'steady', quick ? 100 : 1200));
    say('at a steady rate: done');
    return { oneByOne: single, steady };
  } finally {
    await fleet.close(false);
  }
}

async function oneByOne(fleet: MessagesFleet, label: string, count: number): Promise<HandedIn[]> {
  const all: HandedIn[] = [];
  for (let number = 1; number <= count; number += 1) {
    const one = await handIn(fleet, `${label} ${number}`);
    all.push(one);
    await fleet.until(`${one.text} has arrived`, async () => (await arrivals(fleet, [one])).length === 1, 5);
  }
  return all;
}

async function atRate(fleet: MessagesFleet, label: string, count: number): Promise<HandedIn[]> {
  const began = performance.now();
  const all: Promise<HandedIn>[] = [];
  for (let number = 1; number <= count; number += 1) {
    all.push(handIn(fleet, `${label} ${number}`));
    await sleep(Math.max(0, began + (number / PER_SECOND) * 1000 - performance.now()));
  }
  return await Promise.all(all);
}

async function handIn(fleet: MessagesFleet, text: string): Promise<HandedIn> {
  const [session] = fleet.sessions;
  const at = wallClock();
  await fleet.api('POST', `/api/whatsapp/sessions/${session?.session}/messages`, {
    to: '491809999999',
    text,
  });
  return { text, at, answeredAt: wallClock() };
}

async function times(fleet: MessagesFleet, handedIn: readonly HandedIn[]): Promise<SendTimes> {
  await fleet.until(
    'all messages have arrived',
    async () => (await arrivals(fleet, handedIn)).length === handedIn.length,
  );
  const at = new Map((await arrivals(fleet, handedIn)).map((arrival) => [arrival.body, arrival]));
  return {
    sent: handedIn.map(
      (each) => Date.parse(String(at.get(each.text)?.attempt_list[0]?.time)) - Math.floor(each.at),
    ),
    answered: handedIn.map((each) => each.answeredAt - each.at),
  };
}

async function arrivals(fleet: MessagesFleet, wanted: readonly HandedIn[]): Promise<Arrival[]> {
  const { sent } = (await fleet.emulator('GET', `/sent?limit=1000000`)) as {
    sent: Arrival[];
  };
  const texts = new Set(wanted.map(({ text }) => text));
  return sent.filter(({ body }) => body !== null && texts.has(body));
}

/** Milliseconds since 1970, finer than `Date.now`. */
function wallClock(): number {
  return performance.timeOrigin + performance.now();
}
