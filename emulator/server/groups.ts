import { randomInt } from 'node:crypto';
import type { Clock } from '../../common/clock.ts';
import type { Group, Participant, WireId } from '../protocol/chats.ts';
import type { Directory } from './directory.ts';
import { isMember } from './history.ts';
import { phoneOf } from './ids.ts';
import type { Post } from './post.ts';

/** Makes and changes groups, and tells the members' devices. */
export class Groups {
  readonly #clock: Clock;
  readonly #directory: Directory;
  readonly #post: Post;

  constructor(clock: Clock, directory: Directory, post: Post) {
    this.#clock = clock;
    this.#directory = directory;
    this.#post = post;
  }

  /** Makes a group (or makes it anew, when the id exists); its owner is its first member. Those not on WhatsApp are left out. */
  create(
    owner: WireId,
    subject: string,
    asked: readonly WireId[],
    id?: WireId,
  ): { group: Group; absent: WireId[] } {
    const others = [...new Set(asked)].filter((person) => person !== owner);
    const absent = others.filter((person) => !this.#exists(person));
    const group: Group = {
      id: id ?? `1203630${randomInt(10 ** 11, 10 ** 12 - 1)}@g.us`,
      subject,
      owner,
      createdAt: Math.floor(this.#clock.now() / 1000),
      participants: [
        member(owner, true),
        ...others.filter((person) => !absent.includes(person)).map((person) => member(person, false)),
      ],
    };
    this.#put(group, []);
    return { group, absent };
  }

  /** Adds, removes, promotes or demotes. Returns the group as it is then, or in words why not. */
  changeParticipants(
    by: WireId,
    id: WireId,
    action: 'add' | 'remove' | 'promote' | 'demote',
    people: readonly WireId[],
  ): { group: Group } | { refused: string } {
    const group = this.#directory.groups.get(id);
    if (group === undefined || !isMember(group, by)) return { refused: 'not-found' };
    const leaves = action === 'remove' && people.every((person) => person === by);
    const admin = group.participants.some((participant) => participant.id === by && participant.admin);
    if (!admin && !leaves) return { refused: 'not-authorized' };
    const others = group.participants.filter((participant) => !people.includes(participant.id));
    const named = group.participants.filter((participant) => people.includes(participant.id));
    const added = people
      .filter((person) => !isMember(group, person) && this.#exists(person))
      .map((person) => member(person, false));
    const participants = {
      add: () => [...group.participants, ...added],
      remove: () => others,
      promote: () => [...others, ...named.map((participant) => ({ ...participant, admin: true }))],
      demote: () => [
        ...others,
        ...named.map((participant) => ({ ...participant, admin: participant.superAdmin })),
      ],
    }[action]();
    const changed = { ...group, participants };
    this.#put(
      changed,
      named.map((participant) => participant.id),
    );
    return { group: changed };
  }

  /** Changes subject or description. */
  change(
    by: WireId,
    id: WireId,
    changes: { subject?: string; description?: string },
  ): { group: Group } | { refused: string } {
    const group = this.#directory.groups.get(id);
    if (group === undefined || !isMember(group, by)) return { refused: 'not-found' };
    const changed = { ...group, ...changes };
    this.#put(changed, []);
    return { group: changed };
  }

  /** @param also who else is told: those removed */
  #put(group: Group, also: readonly WireId[]): void {
    this.#directory.groups.set(group.id, group);
    for (const person of new Set([...group.participants.map((participant) => participant.id), ...also])) {
      const account = this.#directory.accountOf(person);
      if (account === undefined) continue;
      this.#directory.chat(account, group.id);
      for (const device of account.devices.values()) this.#post.deliver(device, { kind: 'group', group });
    }
  }

  #exists(person: WireId): boolean {
    const phone = phoneOf(person);
    return phone !== undefined && this.#directory.exists(phone).exists;
  }
}

function member(id: WireId, owner: boolean): Participant {
  return { id, admin: owner, superAdmin: owner };
}
