/** What was found out about one part. */
export interface Diagnosis {
  /** What was looked at, such as `database`. */
  readonly part: string;
  /** A warning is worth knowing; a problem keeps something from working. */
  readonly state: 'ok' | 'warning' | 'problem';
  readonly found: string;
  /** What to do about it. */
  readonly advice?: string;
}

export function ok(part: string, found: string): Diagnosis {
  return { part, state: 'ok', found };
}

export function warning(part: string, found: string, advice: string): Diagnosis {
  return { part, state: 'warning', found, advice };
}

export function problem(part: string, found: string, advice: string): Diagnosis {
  return { part, state: 'problem', found, advice };
}

/** An error with its causes, in one line. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(reasonOf).join('; ');
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${reasonOf(error.cause)})`;
}
