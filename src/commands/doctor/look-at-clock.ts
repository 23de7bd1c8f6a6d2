import { type Diagnosis, ok, problem, warning } from './diagnosis.ts';

const WARN_MS = 5_000;
const PROBLEM_MS = 60_000;

/** @param aheadMs how far the other clock is ahead of ours @param exactMs how exactly that is known */
export function judgeClock(whose: string, aheadMs: number, exactMs: number): Diagnosis {
  const off = Math.max(0, Math.abs(aheadMs) - exactMs);
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  const found = `the clock of ${whose} is ${seconds} seconds ${aheadMs > 0 ? 'ahead of' : 'behind'} the one here`;
  const advice = 'Let both be set by NTP: signatures, expiry and retention go by the clock.';
  if (off >= PROBLEM_MS) return problem('clock', found, advice);
  if (off >= WARN_MS) return warning('clock', found, advice);
  return ok('clock', `goes with that of ${whose}`);
}
