import { KeyFileProblem } from './key-files/key-file-problem.ts';
import { readKeyFile } from './key-files/read-key-file.ts';
import type { SigningKey } from './signing-key.ts';

/** A domain as the configuration tells of it. */
export interface SigningDomain {
  readonly serverName: string;
  /** Empty: requests in the domain's name are not signed. A relative path starts at the working directory. */
  readonly signingKeyPath: string;
}

/** Key files that keep the service from starting: the message has a line for each. */
export class SigningKeysError extends Error {
  constructor(problems: readonly string[]) {
    super(['These signing keys cannot be used:', ...problems.map((problem) => `  ${problem}`)].join('\n'));
  }
}

/**
 * The key that signs in the name of each domain, by server name: the first one of its file. A domain without a file
 * has none. Domains may share a file. @throws {SigningKeysError} that tells all problems at once
 */
export async function loadSigningKeys(domains: Iterable<SigningDomain>): Promise<ReadonlyMap<string, SigningKey>> {
  const keys = new Map<string, SigningKey>();
  const problems: string[] = [];
  const byPath = Map.groupBy(domains, ({ signingKeyPath }) => signingKeyPath);
  byPath.delete('');
  for (const [path, sharing] of byPath) {
    try {
      const [first] = (await readKeyFile(path)).keys;
      for (const { serverName } of sharing) keys.set(serverName, first);
    } catch (error) {
      if (!(error instanceof KeyFileProblem)) throw error;
      problems.push(`${error.message} (signingKeyPath of ${sharing.map(({ serverName }) => serverName).join(', ')})`);
    }
  }
  if (problems.length > 0) throw new SigningKeysError(problems);
  return keys;
}
