/** How often values have come, by the first of some bounds that they do not exceed. */
export class Distribution {
  readonly bounds: readonly number[];
  /** One more than bounds: the last one is of what exceeds them all. */
  readonly counts: number[];
  count = 0;
  sum = 0;

  /** @param bounds in ascending order */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  add(value: number): void {
    const { bounds, counts } = this;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] ?? 0)) at += 1;
    counts[at] = (counts[at] ?? 0) + 1;
    this.count += 1;
    this.sum += value;
  }

  /** As Prometheus wants them: how many values do not exceed each bound. */
  cumulated(): readonly (readonly [bound: number, count: number])[] {
    let sum = 0;
    return this.bounds.map((bound, at): [number, number] => {
      sum += this.counts[at] ?? 0;
      return [bound, sum];
    });
  }
}
