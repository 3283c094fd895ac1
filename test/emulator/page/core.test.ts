import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { nameOfVcard, vcardOf } from '../../../emulator/page/contacts/vcard.ts';
import { Collection } from '../../../emulator/page/core/collection.ts';
import { Events } from '../../../emulator/page/core/events.ts';
import { findLinks } from '../../../emulator/page/core/linkify.ts';
import { Model } from '../../../emulator/page/core/model.ts';
import { MsgKey } from '../../../emulator/page/core/msg-key.ts';
import { Registry } from '../../../emulator/page/core/registry.ts';
import { createWid } from '../../../emulator/page/core/wid.ts';
import { contentAttributes, contentFromAttributes } from '../../../emulator/page/messages/content.ts';

class Item extends Model {
  declare id: string;
  declare body: string;
}

describe('events of the emulated page', () => {
  it('hears several names, once or always, until it is taken away', () => {
    const events = new Events();
    const heard: string[] = [];
    const listener = (value: string) => heard.push(value);
    events.on('change:body change:caption', listener);
    events.once('change:body', (value: string) => heard.push(`once ${value}`));
    events.trigger('change:body', 'a').trigger('change:body', 'b').trigger('change:caption', 'c');
    events.off('change:body', listener);
    events.trigger('change:body', 'd').trigger('change:caption', 'e');
    expect(heard).toEqual(['a', 'once a', 'b', 'c', 'e']);
  });

  it('goes on to the next listener when one throws', () => {
    const silenced = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const events = new Events();
    const heard = vi.fn();
    events.on('add', () => {
      throw new Error('no');
    });
    events.on('add', heard);
    events.trigger('add');
    expect(heard).toHaveBeenCalledOnce();
    expect(silenced).toHaveBeenCalledOnce();
    silenced.mockRestore();
  });
});

describe('models and collections of the emulated page', () => {
  it('raise change:NAME with the value before, and then change, only for what changed', () => {
    const model = new Item({ id: '1', body: 'old' });
    const heard: unknown[] = [];
    model.on('all', (name: string, _model: Item, value: unknown, previous: unknown) =>
      heard.push([name, value, previous]),
    );
    model.set({ id: '1', body: 'new' });
    model.set({ body: 'new' });
    expect(heard).toEqual([
      ['change:body', 'new', 'old'],
      ['change', undefined, undefined],
    ]);
  });

  it('raise the events of the models they hold, and of no others', () => {
    const collection = new Collection<Item>(Item);
    const heard = vi.fn();
    collection.on('change:body', heard);
    const model = new Item({ id: '1', body: 'a' });
    collection.add(model);
    model.set({ body: 'b' });
    collection.remove('1');
    model.set({ body: 'c' });
    expect(heard.mock.calls.map(([, value]) => value)).toEqual(['b']);
  });

  it('hold a model once, whatever its id is asked for by', () => {
    const collection = new Collection<Model & { id: MsgKey }>();
    const id = new MsgKey({ fromMe: true, remote: '1234567@c.us', id: 'A' });
    const model = Object.assign(new Model(), { id });
    collection.add(model);
    collection.add(Object.assign(new Model(), { id }));
    expect(collection.length).toBe(1);
    for (const key of [id, id._serialized, model]) expect(collection.get(key)).toBe(model);
    expect(collection.get({ _serialized: id._serialized })).toBe(model);
  });

  it('leave functions and blobs out of what they give away', () => {
    const model = new Model({ text: 'x', call: () => 1, file: new Blob(['x']), inner: new Model({ n: 1 }) });
    expect(model.serialize()).toEqual({ text: 'x', inner: { n: 1 } });
  });
});

describe('ids of the emulated page', () => {
  it('are made of what WhatsApp and the library write them as', () => {
    expect(createWid('49170@s.whatsapp.net')._serialized).toBe('49170@c.us');
    expect(createWid('49170:3@c.us')._serialized).toBe('49170@c.us');
    expect(createWid({ user: '1203', server: 'g.us' }).isGroup()).toBe(true);
    expect(createWid('status@broadcast').isStatus()).toBe(true);
    expect(createWid('77@lid').isLid()).toBe(true);
  });

  it('refuse what is none', () => {
    for (const text of ['', '123', 'a@c.us', '1@2@c.us', '1@example.org', '../1@c.us']) {
      expect(() => createWid(text)).toThrow('invalid wid');
    }
  });

  it('of messages survive being written down and read again', () => {
    const digits = fc.stringMatching(/^\d{5,15}$/);
    const property = fc.property(
      fc.boolean(),
      digits,
      digits,
      fc.stringMatching(/^[A-F0-9]{4,32}$/),
      (fromMe, a, b, id) => {
        for (const key of [
          new MsgKey({ fromMe, remote: `${a}@c.us`, id }),
          new MsgKey({ fromMe, remote: `${a}@g.us`, id, participant: `${b}@c.us` }),
        ]) {
          expect(MsgKey.fromString(key._serialized)).toEqual(key);
        }
      },
    );
    fc.assert(property);
  });
});

describe('small parts of the emulated page', () => {
  it('throws what the real page throws for a module that is missing', () => {
    const registry = new Registry();
    registry.define({ WAWebCmd: {} });
    registry.setMissing(['WAWebCmd']);
    expect(() => registry.require('WAWebCmd')).toThrow('Requiring unknown module "WAWebCmd"');
    registry.setMissing([]);
    expect(registry.require('WAWebCmd')).toEqual({});
    expect(() => registry.define({ WAWebCmd: {} })).toThrow('defined twice');
  });

  it('lacks a member that is missing, on the way to which everything works as before', () => {
    const registry = new Registry();
    class Messages {
      readonly #kept = new Map([['a', 1]]);
      get = (id: string) => this.#kept.get(id);
      size() {
        return this.#kept.size;
      }
    }
    const collections = { Msg: new Messages(), Chat: {} };
    registry.define({ WAWebCollections: collections, WAWebMsgKey: class Key {} });
    registry.setMissing(['WAWebCollections.Msg.get', 'WAWebMsgKey.newId']);
    const { Msg, Chat } = registry.require('WAWebCollections') as typeof collections;
    expect(Msg.get).toBeUndefined();
    expect(Msg.size()).toBe(1);
    expect(Chat).toBe(collections.Chat);
    expect(new (registry.require('WAWebMsgKey') as new () => object)()).toBeInstanceOf(Object);
    registry.setMissing([]);
    expect(registry.require('WAWebCollections')).toBe(collections);
  });

  it('finds links, and only links', () => {
    expect(findLinks('see https://example.org/a?b=1 and www.example.net').map(({ href }) => href)).toEqual([
      'https://example.org/a?b=1',
      'http://www.example.net',
    ]);
    expect(findLinks('nothing here: 10.000, a.b')).toEqual([]);
    expect(findLinks(undefined)).toEqual([]);
  });

  it('reads the name back from a contact card', () => {
    expect(nameOfVcard(vcardOf('Grace Hopper', '491700000002'))).toBe('Grace Hopper');
    expect(nameOfVcard('BEGIN:VCARD\nEND:VCARD')).toBe('');
  });

  it('makes the same content of a message and of the attributes it shows it with', () => {
    const text = fc.string();
    const contents = fc.oneof(
      fc.record({ type: fc.constant('chat' as const), body: text }),
      fc.record({
        type: fc.constant('poll_creation' as const),
        name: text,
        options: fc.array(text),
        selectableCount: fc.nat(12),
      }),
      fc.record({ type: fc.constant('vcard' as const), displayName: text, vcard: text }),
      fc.record({
        type: fc.constant('location' as const),
        latitude: fc.double({ noNaN: true }),
        longitude: fc.double({ noNaN: true }),
        description: text,
      }),
    );
    fc.assert(
      fc.property(contents, (content) => {
        expect(contentFromAttributes({ ...contentAttributes(content) })).toEqual(content);
      }),
    );
  });
});
