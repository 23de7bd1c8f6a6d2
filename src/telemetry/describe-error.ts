/** An error with all its causes, as text for a log: what happened first comes last. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? `${error.name}: ${error.message}`;
  const inner = error instanceof AggregateError ? error.errors : [];
  const causes = error.cause === undefined ? inner : [error.cause, ...inner];
  return [own, ...causes.map((cause) => `caused by ${describeError(cause)}`)].join('\n');
}
