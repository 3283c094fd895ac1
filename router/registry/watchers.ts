/** Who waits for something about a workspace to change. */
export class Watchers {
  readonly #watching = new Map<string, Set<() => void>>();

  /** Calls back at every change, until the function that is returned is called. */
  add(workspace: string, changed: () => void): () => void {
    let callbacks = this.#watching.get(workspace);
    if (!callbacks) {
      callbacks = new Set();
      this.#watching.set(workspace, callbacks);
    }
    // Of its own, so that one function may watch twice.
    const callback = () => changed();
    callbacks.add(callback);
    const mine = callbacks;
    return () => {
      mine.delete(callback);
      if (mine.size === 0 && this.#watching.get(workspace) === mine) this.#watching.delete(workspace);
    };
  }

  tell(workspace: string): void {
    for (const changed of [...(this.#watching.get(workspace) ?? [])]) changed();
  }
}
