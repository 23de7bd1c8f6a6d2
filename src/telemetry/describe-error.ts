/** An error with all its causes, as text for a log: what happened first comes last. */
export function describeError(error: unknown): string {
  return describe(error, new Set());
}

/** @param told what stands further up already: causes may go in circles */
function describe(error: unknown, told: Set<unknown>): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? `${error.name}: ${error.message}`;
  told.add(error);
  const inner: unknown[] = error instanceof AggregateError ? error.errors : [];
  const causes = (error.cause === undefined ? inner : [error.cause, ...inner]).filter((cause) => !told.has(cause));
  return [own, ...causes.map((cause) => `caused by ${describe(cause, told)}`)].join('\n');
}
