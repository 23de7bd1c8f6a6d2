import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findOnPath } from './find-on-path.ts';

/** What this system can take away from a program that reads a hostile file, beside what limits and an empty environment do. */
export interface Sandbox {
  /** Put before the program and its arguments. */
  readonly words: readonly string[];
  /** For the log: how programs run with it. */
  readonly description: string;
}

const NO_SANDBOX: Sandbox = { words: [], description: 'with network, as nothing on this system can take it away' };
const MAX_TRY_MS = 5_000;

/**
 * Of util-linux, which is on every Debian: no network and no queues of others, no rights that a file could give, and an end
 * when this process ends, however that ends. Both exec the next program, so the process that is watched is the program.
 * Containers often forbid the first; then the second is used alone.
 */
export async function findSandbox(searchPath: string, signal: AbortSignal): Promise<Sandbox> {
  const [unshare, setpriv, nothing] = await Promise.all(
    ['unshare', 'setpriv', 'true'].map((name) => findOnPath(name, searchPath)),
  );
  if (setpriv === undefined || nothing === undefined) return NO_SANDBOX;
  const confined = [setpriv, '--no-new-privs', '--pdeathsig', 'KILL'];
  const asRoot = process.getuid?.() === 0 ? [] : ['--user'];
  const offline = unshare === undefined ? undefined : [unshare, ...asRoot, '--net', '--ipc', ...confined];
  if (offline !== undefined && (await works([...offline, nothing], signal))) {
    return { words: offline, description: 'without network' };
  }
  return (await works([...confined, nothing], signal)) ? { ...NO_SANDBOX, words: confined } : NO_SANDBOX;
}

async function works([program = '', ...args]: readonly string[], signal: AbortSignal): Promise<boolean> {
  try {
    await promisify(execFile)(program, args, { cwd: '/', env: {}, signal, timeout: MAX_TRY_MS });
    return true;
  } catch {
    signal.throwIfAborted(); // else: not here
    return false;
  }
}
