/** Why an object stays where it is. */
export type Reason =
  | 'cannot be read'
  | 'is not there'
  | 'is not what the database says'
  | 'cannot be written to the target'
  | 'has met some other trouble';

/** What a transfer could not move, by reason; it grows with the reasons, not with the objects. */
export interface LeftBehind {
  readonly count: number;
  add(reason: Reason, location: string): void;
  /** For the operator, with an example of each. */
  summarize(): string;
}

export function createLeftBehind(): LeftBehind {
  const reasons = new Map<Reason, { count: number; readonly example: string }>();
  const count = () => [...reasons.values()].reduce((sum, one) => sum + one.count, 0);
  return {
    get count() {
      return count();
    },
    add(reason, location) {
      const known = reasons.get(reason);
      if (known === undefined) reasons.set(reason, { count: 1, example: location });
      else known.count += 1;
    },
    summarize() {
      const told = [...reasons].map(([reason, one]) => `${one.count} ${reason} (such as ${one.example})`);
      return `${count()} objects could not be moved and stay where they are: ${told.join('; ')}. The log names each; another transfer tries them again`;
    },
  };
}
