import type { TimeLimits } from '../outbound/index.ts';

/** Where the configuration says 0 or less. */
const LONGEST_SECONDS = 600;

/** For asking other servers. @param timeoutSeconds for the whole: `timeouts.federationTimeoutSeconds` */
export function federationLimits(timeoutSeconds: number): TimeLimits {
  const totalMs = (timeoutSeconds > 0 ? timeoutSeconds : LONGEST_SECONDS) * 1000;
  return { connectMs: 10_000, headersMs: 60_000, stallMs: 30_000, totalMs };
}
