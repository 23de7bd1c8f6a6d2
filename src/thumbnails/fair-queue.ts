/**
 * What waits, in groups that take turns: however much one group brings, the others wait for one of it at most. Within a
 * group the first to come is the first to go.
 */
export class FairQueue<Item> {
  /** The first one's turn is next. None is empty. */
  readonly #groups = new Map<string, Set<Item>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @param item is not in the queue yet */
  add(group: string, item: Item): void {
    const items = this.#groups.get(group) ?? new Set();
    this.#groups.set(group, items.add(item));
    this.#size += 1;
  }

  /** Takes out the next one; the other groups come before the next of its own. `undefined`: nothing waits. */
  take(): Item | undefined {
    for (const [group, items] of this.#groups) {
      for (const item of items) {
        this.delete(group, item);
        if (this.#groups.delete(group)) this.#groups.set(group, items);
        return item;
      }
    }
    return undefined;
  }

  /** One that is not there is no error. */
  delete(group: string, item: Item): void {
    const items = this.#groups.get(group);
    if (!items?.delete(item)) return;
    this.#size -= 1;
    if (items.size === 0) this.#groups.delete(group);
  }

  /**
   * Makes room in a full queue for one more of a group, by taking out the newest of the longest group.
   * @returns `undefined` when the group is nearly as long as the longest one itself: then nothing makes it fairer
   */
  giveWayTo(group: string): Item | undefined {
    const [longest, items] = [...this.#groups].reduce((a, b) => (b[1].size > a[1].size ? b : a), ['', new Set<Item>()]);
    if ((this.#groups.get(group)?.size ?? 0) + 1 >= items.size) return undefined;
    const newest = [...items].at(-1);
    if (newest !== undefined) this.delete(longest, newest);
    return newest;
  }

  /** Takes out all, in no order that means anything. */
  takeAll(): readonly Item[] {
    const all = [...this.#groups.values()].flatMap((items) => [...items]);
    this.#groups.clear();
    this.#size = 0;
    return all;
  }
}
