import { type SigningKey, seedOf } from '../signing-key.ts';
import { KeyFileProblem } from './key-file-problem.ts';
import { formatPemBlock, type PemBlock, parsePemBlocks } from './pem-blocks.ts';
import { readKey } from './read-key.ts';
import { formatSynapseLines, parseSynapseLines } from './synapse-lines.ts';

/** Whose format: matrix-media-repo's, Synapse's or Dendrite's. */
export const KEY_FILE_FORMATS = ['mmr', 'synapse', 'dendrite'] as const;
export type KeyFileFormat = (typeof KEY_FILE_FORMATS)[number];

export interface KeyFile {
  readonly format: KeyFileFormat;
  /** In the file's order; the first one signs. */
  readonly keys: readonly [SigningKey, ...SigningKey[]];
}

const MMR_BLOCK = 'MMR PRIVATE KEY';
const DENDRITE_BLOCK = 'MATRIX PRIVATE KEY';
const MMR_VERSION = '1';

/** Finds out the format by itself. @throws {KeyFileProblem} also when there is no key in the file */
export function parseKeyFile(text: string): KeyFile {
  if (/^ed25519\s/m.test(text) && !/^-----BEGIN /m.test(text)) return keyFile('synapse', parseSynapseLines(text));
  const blocks = parsePemBlocks(text).filter(({ type }) => type === MMR_BLOCK || type === DENDRITE_BLOCK);
  const [first] = blocks;
  if (first === undefined) {
    throw new KeyFileProblem(
      text.trim() === ''
        ? 'the file is empty'
        : `there is no key in the file; allowed: a line "ed25519 VERSION KEY" (Synapse), a block "${DENDRITE_BLOCK}" (Dendrite), a block "${MMR_BLOCK}" (matrix-media-repo)`,
    );
  }
  const other = blocks.find(({ type }) => type !== first.type);
  if (other !== undefined)
    throw new KeyFileProblem(`the file has a "${first.type}" too; allowed: one kind`, { line: other.line });
  return keyFile(first.type === MMR_BLOCK ? 'mmr' : 'dendrite', blocks.map(readBlock));
}

/** Byte by byte what the program whose format it is would write. No keys: an empty text. */
export function formatKeyFile(format: KeyFileFormat, keys: readonly SigningKey[]): string {
  switch (format) {
    case 'synapse':
      return formatSynapseLines(keys);
    case 'dendrite':
      return keys.map((key) => formatPemBlock(DENDRITE_BLOCK, { 'Key-ID': key.keyId }, seedOf(key))).join('');
    case 'mmr':
      return keys
        .map((key) => formatPemBlock(MMR_BLOCK, { 'Key-ID': key.keyId, Version: MMR_VERSION }, seedOf(key)))
        .join('');
    default:
      return format satisfies never;
  }
}

function keyFile(format: KeyFileFormat, [first, ...others]: readonly SigningKey[]): KeyFile {
  if (first === undefined) throw new KeyFileProblem('there is no key in the file');
  return { format, keys: [first, ...others] };
}

function readBlock({ type, line, headers, body, bodyLine }: PemBlock): SigningKey {
  const keyId = headers.get('Key-ID');
  if (keyId === undefined) throw new KeyFileProblem('the block has no header "Key-ID"', { line });
  if (!keyId.value.startsWith('ed25519:')) {
    throw new KeyFileProblem('the Key-ID does not begin with "ed25519:"', { line: keyId.line });
  }
  const version = headers.get('Version');
  if (type === MMR_BLOCK && version?.value !== MMR_VERSION) {
    throw new KeyFileProblem(`the block needs the header "Version: ${MMR_VERSION}"`, { line: version?.line ?? line });
  }
  return readKey(keyId.value.slice('ed25519:'.length), body, { version: keyId.line, seed: bodyLine });
}
