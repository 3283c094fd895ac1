import { Events } from './events.ts';

/** What a model holds: own enumerable properties, read directly and written with `set`. */
export type Attributes = Record<string, unknown>;

interface Serializable {
  serialize(): unknown;
}

/**
 * A record with events. `set` raises `change:NAME (model, value, previous)` for each attribute that changed, and
 * then `change (model)`. Attributes are plain properties, so that the library can read (and sometimes write) them.
 */
export class Model extends Events {
  constructor(attributes: object = {}) {
    super();
    Object.assign(this, attributes);
  }

  set(attributes: object): this {
    const changes: [name: string, value: unknown, previous: unknown][] = [];
    const target = this as unknown as Attributes;
    for (const [name, value] of Object.entries(attributes)) {
      const previous = target[name];
      if (Object.is(previous, value)) continue;
      target[name] = value;
      changes.push([name, value, previous]);
    }
    for (const [name, value, previous] of changes) this.trigger(`change:${name}`, this, value, previous);
    if (changes.length > 0) this.trigger('change', this);
    return this;
  }

  /** The attributes as plain data, nested models included; functions and binary blobs are left out. */
  serialize(): Attributes {
    const result: Attributes = {};
    for (const [name, value] of Object.entries(this)) {
      if (typeof value === 'function' || value instanceof Blob) continue;
      result[name] = isSerializable(value) ? value.serialize() : value;
    }
    return result;
  }

  toJSON(): Attributes {
    return this.serialize();
  }
}

/** Gives an object a property that is no attribute: not enumerated, so neither serialized nor stored. */
export function hide(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });
}

function isSerializable(value: unknown): value is Serializable {
  return value instanceof Events && 'serialize' in value && typeof value.serialize === 'function';
}
