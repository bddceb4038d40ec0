/** Things that wait, each for a client. Clients take turns; of one client's, the oldest comes first. */
export class Turns<Item extends { readonly client: string }> {
  /** The client whose turn it is comes first; none is kept that waits for nothing. */
  readonly #clients = new Map<string, Set<Item>>();
  #size = 0;

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** How many of a client wait. */
  of(client: string): number {
    return this.#clients.get(client)?.size ?? 0;
  }

  /** What waits for the client that has most, the oldest first. */
  most(): readonly Item[] {
    let most: ReadonlySet<Item> = new Set();
    for (const items of this.#clients.values()) if (items.size > most.size) most = items;
    return [...most];
  }

  add(item: Item): void {
    const items = this.#clients.get(item.client);
    if (items) items.add(item);
    else this.#clients.set(item.client, new Set([item]));
    this.#size += 1;
  }

  /** Takes an item out, if it is still there. */
  remove(item: Item): void {
    const items = this.#clients.get(item.client);
    if (!items?.delete(item)) return;
    this.#size -= 1;
    if (items.size === 0) this.#clients.delete(item.client);
  }

  /** The first that is wanted, by turns. */
  find(wanted: (item: Item) => boolean): Item | undefined {
    for (const items of this.#clients.values()) for (const item of items) if (wanted(item)) return item;
    return undefined;
  }

  /** Puts a client behind all others that wait now. */
  endTurn(client: string): void {
    const items = this.#clients.get(client);
    if (!items) return;
    this.#clients.delete(client);
    this.#clients.set(client, items);
  }
}
