import { encodeUnpaddedBase64 } from '../../matrix/index.ts';
import { type SigningKey, seedOf, versionOf } from '../signing-key.ts';
import { KeyFileProblem } from './key-file-problem.ts';
import { readKey } from './read-key.ts';

/** Synapse's format: a line for each key, `ed25519 VERSION SEED`. @throws {KeyFileProblem} */
export function parseSynapseLines(text: string): SigningKey[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '') return [];
    const [algorithm, version, seed, ...more] = line.trim().split(/[ \t]+/);
    if (algorithm !== 'ed25519')
      throw new KeyFileProblem('the line does not begin with "ed25519"', { line: index + 1 });
    if (version === undefined || seed === undefined || more.length > 0) {
      throw new KeyFileProblem('the line is not "ed25519", a version and the key, with a space between', {
        line: index + 1,
      });
    }
    return [readKey(version, seed, { version: index + 1, seed: index + 1 })];
  });
}

/** Without a line end after the last key, as matrix-media-repo writes it; Synapse reads both. */
export function formatSynapseLines(keys: readonly SigningKey[]): string {
  return keys.map((key) => `ed25519 ${versionOf(key)} ${encodeUnpaddedBase64(seedOf(key))}`).join('\n');
}
