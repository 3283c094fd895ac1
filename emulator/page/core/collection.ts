import { Events } from './events.ts';
import type { Attributes, Model } from './model.ts';

/** A model that a collection can hold: its id prints as the key it is found by. */
export type Identified = Model & { id: { toString(): string } | string };

export interface AddOptions {
  /** Adds without the `add` event. */
  readonly silent?: boolean;
}

/** Loads what the collection does not hold; undefined where there is no such thing. */
export type Finder<M> = (key: string) => Promise<M | undefined>;

/**
 * Models by id, in the order they were added. Every event of a model is raised again on the collection, as
 * WhatsApp Web's collections do: `Msg.on('change:ack', ...)` hears of every message.
 */
export class Collection<M extends Identified> extends Events {
  readonly _models: M[] = [];
  readonly modelClass: (new (attributes: object) => M) | undefined;
  readonly #index = new Map<string, M>();
  readonly #bubbles = new Map<string, (...args: never[]) => void>();
  readonly #finder: Finder<M> | undefined;

  constructor(modelClass?: new (attributes: object) => M, finder?: Finder<M>) {
    super();
    this.modelClass = modelClass;
    this.#finder = finder;
  }

  get length(): number {
    return this._models.length;
  }

  /** Adds models; one whose id is already held is left as it is. */
  add(models: M | readonly M[], options: AddOptions = {}): void {
    for (const model of Array.isArray(models) ? (models as readonly M[]) : [models as M]) {
      const key = String(model.id);
      if (this.#index.has(key)) continue;
      this.#index.set(key, model);
      this._models.push(model);
      const bubble = (name: string, ...args: unknown[]): void => {
        this.trigger(name, ...args);
      };
      this.#bubbles.set(key, bubble);
      model.on('all', bubble);
      if (!options.silent) this.trigger('add', model, this);
    }
  }

  /** Puts a model first: for histories, which load backwards. */
  prepend(model: M): void {
    this.add(model, { silent: true });
    const position = this._models.indexOf(model);
    this._models.splice(position, 1);
    this._models.unshift(model);
  }

  get(id: unknown): M | undefined {
    if (id === undefined || id === null) return undefined;
    return this.#index.get(keyOf(id));
  }

  remove(id: unknown, options: AddOptions = {}): M | undefined {
    const model = this.get(id);
    if (!model) return undefined;
    const key = String(model.id);
    this.#index.delete(key);
    this._models.splice(this._models.indexOf(model), 1);
    if (!options.silent) this.trigger('remove', model, this);
    const bubble = this.#bubbles.get(key);
    if (bubble) model.off('all', bubble);
    this.#bubbles.delete(key);
    return model;
  }

  /** The model held, or the one the collection's finder loads. Throws where there is none. */
  async find(id: unknown): Promise<M> {
    const found = this.get(id) ?? (await this.#finder?.(keyOf(id)));
    if (!found) throw new Error(`nothing is known of ${keyOf(id)}`);
    return found;
  }

  getModelsArray(): M[] {
    return [...this._models];
  }

  filter(predicate: (model: M) => boolean): M[] {
    return this._models.filter(predicate);
  }

  map<T>(mapper: (model: M) => T): T[] {
    return this._models.map(mapper);
  }

  forEach(visitor: (model: M) => void): void {
    this.getModelsArray().forEach(visitor);
  }

  some(predicate: (model: M) => boolean): boolean {
    return this._models.some(predicate);
  }

  reset(): void {
    for (const model of this.getModelsArray()) this.remove(model.id, { silent: true });
  }

  serialize(): Attributes[] {
    return this._models.map((model) => model.serialize());
  }

  toJSON(): Attributes[] {
    return this.serialize();
  }
}

function keyOf(id: unknown): string {
  if (typeof id === 'object' && id !== null && 'id' in id && 'serialize' in id) return String(id.id);
  if (typeof id === 'object' && id !== null && '_serialized' in id) return String(id._serialized);
  return String(id);
}
