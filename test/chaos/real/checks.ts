import { eventually } from '../../helpers/eventually.ts';
import type { Fleet } from './fleet.ts';
import type { Connections, LogEntry, SentByDevice } from './phones.ts';
import type { HandedIn, Traffic } from './traffic.ts';

/** How long messages to an account may take to be stored by its device once all is well, milliseconds. */
const DELIVERY_PATIENCE = 60_000;
/** How long processes that are to end may take once all is well, milliseconds. */
const ORPHAN_PATIENCE = 30_000;

/** What a look at everything found. */
export interface Findings {
  /** What must never be, for people. */
  broken: string[];
  sessionsLost: number;
  messagesLost: number;
  messagesDuplicated: number;
  overlapSeconds: number;
  qrAsked: number;
  rollbacks: number;
  /** Of messages whose end no client was told: how many left. */
  unknownThatLeft: number;
  /** The longest time a session was not connected, seconds. */
  longestGapSeconds: number;
}

/** Looks, after each scenario, at what is known everywhere: WhatsApp's records, the claims on the storage, the processes of all hosts, clients' answers. */
export class Checks {
  readonly #fleet: Fleet;
  readonly #traffic: Traffic;
  readonly #claims = new Map<string, string>();
  readonly #highest = new Map<string, number>();
  readonly #toldOf = new Set<string>();
  #logRead = 0;
  #devices: ReadonlySet<string> = new Set();

  constructor(fleet: Fleet, traffic: Traffic) {
    this.#fleet = fleet;
    this.#traffic = traffic;
  }

  /** From here on no session may ask for a QR. */
  async begin(): Promise<void> {
    this.#logRead = (await this.#fleet.whatsapp.log(0)).count;
    const { connections } = await this.#fleet.whatsapp.connections();
    this.#devices = new Set(connections.flatMap(({ device }) => device ?? []));
  }

  /** Everything since the last look. All sessions have to be ready, and the traffic ended. */
  async look(): Promise<Findings> {
    const findings: Findings = {
      broken: [],
      sessionsLost: 0,
      messagesLost: 0,
      messagesDuplicated: 0,
      overlapSeconds: 0,
      qrAsked: 0,
      rollbacks: 0,
      unknownThatLeft: 0,
      longestGapSeconds: 0,
    };
    await this.#incoming(findings);
    this.#outgoing(await this.#fleet.whatsapp.sent(0), findings);
    const { entries, count } = await this.#fleet.whatsapp.log(this.#logRead);
    this.#logRead = count;
    this.#happened(entries, findings);
    this.#connected(await this.#fleet.whatsapp.connections(), findings);
    await this.#owners(findings);
    await this.#processes(findings);
    return findings;
  }

  /** Every message that WhatsApp took for an account was stored by its device. */
  async #incoming(findings: Findings): Promise<void> {
    const { whatsapp } = this.#fleet;
    const wanted = new Set(this.#traffic.incoming.map(({ id }) => id));
    const missing = async () => {
      const arrived = (await whatsapp.delivered(0)).filter(
        ({ result }) => result === 'stored' || result === 'duplicate',
      );
      const left = new Set(wanted);
      for (const { id } of arrived) left.delete(id);
      return [...left];
    };
    await eventually(async () => (await missing()).length === 0, DELIVERY_PATIENCE).catch(() => {});
    const lost = (await missing()).filter((id) => this.#first(`incoming ${id}`));
    findings.messagesLost += lost.length;
    if (lost.length > 0)
      findings.broken.push(`${lost.length} messages to accounts were never stored: ${some(lost)}`);
  }

  /** A message that a client was told of is there once, or not at all. */
  #outgoing(sent: readonly SentByDevice[], findings: Findings): void {
    const counts = new Map<string, number>();
    for (const { body, ack } of sent)
      if (body !== null && ack >= 0) counts.set(body, (counts.get(body) ?? 0) + 1);
    const count = ({ text }: HandedIn) => counts.get(text) ?? 0;
    const { handedIn } = this.#traffic;
    const told = (kind: string, wrong: readonly HandedIn[]) => {
      const fresh = wrong.filter(({ text }) => this.#first(`${kind} ${text}`));
      if (fresh.length > 0)
        findings.broken.push(`${fresh.length} messages ${kind}: ${some(fresh.map(shown))}`);
      return fresh.length;
    };
    findings.messagesLost += told(
      'told as sent and not there',
      handedIn.filter((each) => each.told === 'sent' && count(each) === 0),
    );
    findings.messagesDuplicated += told(
      'there more than once',
      handedIn.filter((each) => count(each) > 1),
    );
    told(
      'refused and sent all the same',
      handedIn.filter((each) => each.told === 'not_sent' && count(each) > 0),
    );
    findings.unknownThatLeft = handedIn.filter(
      (each) => each.told === 'unknown' && count(each) > 0 && this.#first(`left ${each.text}`),
    ).length;
  }

  /** No page asked to be linked, no device was refused or went back behind what it had said. */
  #happened(log: readonly LogEntry[], findings: Findings): void {
    const of = (...events: string[]) => log.filter(({ event }) => events.includes(event));
    const asked = of('register');
    findings.qrAsked = asked.length;
    if (asked.length > 0)
      findings.broken.push(`${asked.length} pages of linked sessions asked for a QR: ${some(asked)}`);
    const lost = of('logout', 'device_removed', 'login_refused');
    findings.sessionsLost = new Set(lost.map(({ device }) => device)).size;
    if (lost.length > 0) findings.broken.push(`devices were lost: ${some(lost)}`);
    const rollbacks = of('rollback');
    findings.rollbacks = rollbacks.length;
    if (rollbacks.length > 0)
      findings.broken.push(`${rollbacks.length} devices went back to an older profile: ${some(rollbacks)}`);
    const unreadable = of('unreadable');
    if (unreadable.length > 0)
      findings.broken.push(`${unreadable.length} messages could not be read at first: ${some(unreadable)}`);
    for (const entry of of('paired'))
      findings.broken.push(`a device was linked anew: ${JSON.stringify(entry)}`);
  }

  /** Never two pages of one device at once, and never long none. */
  #connected({ connections, overlaps }: Connections, findings: Findings): void {
    for (const overlap of overlaps) {
      if (overlap.same_page || !this.#first(`overlap ${overlap.first} ${overlap.second}`)) continue;
      findings.overlapSeconds = Math.max(findings.overlapSeconds, overlap.milliseconds / 1000);
      findings.broken.push(`two browsers of one session were connected at once: ${JSON.stringify(overlap)}`);
    }
    for (const device of this.#devices) {
      let until: number | undefined;
      const mine = connections.filter((each) => each.device === device && each.logged_in_mono_ms !== null);
      for (const { connection, logged_in_mono_ms, disconnected_mono_ms } of mine) {
        const from = logged_in_mono_ms ?? 0;
        if (until !== undefined && from > until && this.#first(`gap ${connection}`))
          findings.longestGapSeconds = Math.max(findings.longestGapSeconds, (from - until) / 1000);
        until = Math.max(until ?? 0, disconnected_mono_ms ?? Number.POSITIVE_INFINITY);
      }
    }
  }

  /** Claims are made once, stay as they are, and their numbers rise by one. */
  async #owners(findings: Findings): Promise<void> {
    for (const workspace of this.#fleet.workspaces) {
      const claims = await this.#fleet.claims(workspace);
      const highest = Math.max(...claims.keys());
      const before = this.#highest.get(workspace) ?? 0;
      if (highest < before)
        findings.broken.push(`the highest claim of workspace ${workspace} was ${before} and is ${highest}`);
      this.#highest.set(workspace, highest);
      for (const [epoch, text] of claims) {
        const key = `${workspace}/${epoch}`;
        const was = this.#claims.get(key);
        if (was !== undefined && was !== text)
          findings.broken.push(`the claim ${key} was ${was} and is ${text}`);
        this.#claims.set(key, text);
      }
      for (const session of this.#fleet.sessions.filter((each) => each.workspace === workspace)) {
        const seen = await this.#fleet.seen(session);
        if (seen !== undefined && seen.epoch !== highest)
          findings.broken.push(
            `session ${session.session} runs at epoch ${seen.epoch}, and the highest claim is ${highest}`,
          );
      }
    }
  }

  /** Each session has one browser, below the instance that owns it; nothing else is left anywhere. */
  async #processes(findings: Findings): Promise<void> {
    let wrong: string[] = [];
    const isRight = async () => {
      wrong = [];
      let browsers = 0;
      for (const instance of this.#fleet.instances) {
        const below = new Set((await instance.supervisor.tree()).map(({ pid }) => pid));
        const all = await instance.browsers();
        browsers += all.length;
        for (const { pid, command } of (await instance.browserProcesses()).filter(
          (each) => !below.has(each.pid),
        ))
          wrong.push(`${instance.id}: ${pid} has no instance: ${command.slice(0, 3).join(' ')}`);
      }
      const wanted = this.#fleet.sessions.length;
      if (browsers !== wanted) wrong.push(`${browsers} browsers run for ${wanted} sessions`);
      return wrong.length === 0;
    };
    await eventually(isRight, ORPHAN_PATIENCE).catch(() => {});
    findings.broken.push(...wrong);
  }

  /** True the first time: what was told once is not told again. */
  #first(what: string): boolean {
    if (this.#toldOf.has(what)) return false;
    this.#toldOf.add(what);
    return true;
  }
}

function shown({ text, answer, router, askedAt, answeredAt }: HandedIn): string {
  return `${text} (${new Date(askedAt).toISOString()} to ${router}, after ${answeredAt - askedAt} ms ${answer})`;
}

/** The first few of many, for people. */
function some(all: readonly unknown[]): string {
  const few = all.slice(0, 5).map((each) => (typeof each === 'string' ? each : JSON.stringify(each)));
  return few.join('; ') + (all.length > few.length ? '; ...' : '');
}
