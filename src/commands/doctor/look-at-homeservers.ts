import { request } from 'undici';
import type { Config, DomainConfig } from '../../config/index.ts';
import { KeyFileProblem, readKeyFile } from '../../federation/index.ts';
import { type Diagnosis, ok, problem, reasonOf, warning } from './diagnosis.ts';
import { judgeClock } from './look-at-clock.ts';

/** So many homeservers are asked at once. */
const AT_ONCE = 8;
const PATIENCE_MS = 10_000;
/** `Date` has whole seconds, and the answer was some time on its way. */
const EXACT_MS = 3_000;

/** Whether each answers, with the time by its own clock, and whether there is a key to speak to others in its name. */
export async function lookAtHomeservers(
  { domains }: Config,
  now: () => number,
  signal: AbortSignal,
): Promise<Diagnosis[]> {
  const all = [...domains.values()];
  const diagnoses: Diagnosis[] = [];
  for (let start = 0; start < all.length; start += AT_ONCE) {
    const some = all.slice(start, start + AT_ONCE);
    diagnoses.push(...(await Promise.all(some.map((domain) => lookAt(domain, now, signal)))).flat());
  }
  return diagnoses;
}

async function lookAt(domain: DomainConfig, now: () => number, signal: AbortSignal): Promise<Diagnosis[]> {
  return [...(await ask(domain, now, signal)), await lookAtKey(domain)];
}

async function ask({ serverName, csApi }: DomainConfig, now: () => number, signal: AbortSignal): Promise<Diagnosis[]> {
  const part = `homeserver ${serverName}`;
  const url = `${csApi.replace(/\/+$/, '')}/_matrix/client/versions`;
  const advice = 'Users cannot be recognised until it answers. Is it running, and is csApi right?';
  try {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
    const { statusCode, headers, body } = await request(url, { signal: patience });
    const { versions } = Object(parseJson(await body.text())) as { versions?: unknown };
    if (statusCode !== 200 || !Array.isArray(versions)) {
      return [problem(part, `${url} was answered with status ${statusCode}, and not as a homeserver does`, advice)];
    }
    const date = Date.parse(String(headers['date'] ?? ''));
    const clock = Number.isNaN(date) ? [] : [judgeClock(serverName, date - now(), EXACT_MS)];
    return [ok(part, `answers at ${csApi}`), ...clock];
  } catch (error) {
    signal.throwIfAborted();
    return [problem(part, `${url} cannot be reached: ${reasonOf(error)}`, advice)];
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a page, most likely
  }
}

async function lookAtKey({ serverName, signingKeyPath }: DomainConfig): Promise<Diagnosis> {
  const part = `signing key of ${serverName}`;
  if (signingKeyPath === '') {
    const found = 'none: other servers that ask for signatures give no media';
    return warning(part, found, 'Set signingKeyPath, see docs/signing-keys.md.');
  }
  try {
    const { keys } = await readKeyFile(signingKeyPath);
    return ok(part, keys[0].keyId);
  } catch (error) {
    if (!(error instanceof KeyFileProblem)) throw error;
    return problem(part, error.message, 'A start refuses it. See docs/signing-keys.md.');
  }
}
