import { decodeBase64 } from '../../matrix/index.ts';
import { findVersionProblem } from '../key-id.ts';
import { makeSigningKey, SEED_BYTES, type SigningKey } from '../signing-key.ts';
import { KeyFileProblem } from './key-file-problem.ts';

/**
 * Bytes beyond the 32nd are ignored, as matrix-media-repo does.
 * @param lines where the version and the seed stand in the file, for the error
 * @throws {KeyFileProblem}
 */
export function readKey(
  version: string,
  seedText: string,
  lines: { readonly version: number; readonly seed: number },
): SigningKey {
  const problem = findVersionProblem(version);
  if (problem !== undefined)
    throw new KeyFileProblem(`the version of the key cannot be used: ${problem}`, { line: lines.version });
  const seed = decodeBase64(seedText);
  if (seed === undefined) throw new KeyFileProblem('the key is not in standard base64', { line: lines.seed });
  if (seed.length < SEED_BYTES) {
    throw new KeyFileProblem(`the key has ${seed.length} bytes; allowed: ${SEED_BYTES}`, { line: lines.seed });
  }
  return makeSigningKey(version, seed.subarray(0, SEED_BYTES));
}
