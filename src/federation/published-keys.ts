import { parseServerName } from '../matrix/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { RemoteKeys } from './remote-keys.ts';
import { type SigningKey, verifyKeyOf } from './signing-key.ts';

export interface PublishedKeysParts {
  readonly remoteKeys: RemoteKeys;
  readonly log: Log;
}

/**
 * Looks whether the homeservers publish the keys that sign in their names, and warns of each that does not: other
 * servers would refuse what it signs. One homeserver after the other; nothing has to wait for it.
 * @param signingKeys by server name
 */
export async function warnOfUnpublishedKeys(
  signingKeys: ReadonlyMap<string, SigningKey>,
  { remoteKeys, log }: PublishedKeysParts,
  signal: AbortSignal,
): Promise<void> {
  for (const [serverName, key] of signingKeys) {
    const { keyId } = key;
    const published = await remoteKeys.find(parseServerName(serverName), keyId, signal);
    if (published === undefined) {
      const text =
        'Other servers will refuse what this key signs: the homeserver does not publish it, or cannot be asked';
      log.warn({ serverName, keyId }, text);
    } else if (!published.equals(verifyKeyOf(key))) {
      const text = 'Other servers will refuse what this key signs: the homeserver publishes another key with this ID';
      log.warn({ serverName, keyId }, text);
    }
  }
}
