import { resolve } from 'node:path';
import {
  formatKeyFile,
  generateSigningKey,
  KEY_FILE_FORMATS,
  KeyFileProblem,
  publicTextOf,
  readKeyFile,
  type SigningKey,
} from '../federation/index.ts';
import type { Command, CommandIo } from './command.ts';
import { parseFlags, UsageError } from './flags.ts';
import { writeSecretFile } from './write-secret-file.ts';

/** `vitrine signing-key generate`, `convert` and `merge`: files with the keys that sign requests to other servers. */
export const signingKey: Command = {
  summary: 'Make a signing key, convert one, or put several into one file',
  usage: `Usage: vitrine signing-key generate [--format FORMAT] [--output FILE] [--force]
       vitrine signing-key convert IN [--format FORMAT] [--output FILE] [--force]
       vitrine signing-key merge IN... [--format FORMAT] [--output FILE] [--force]

Writes a file with the key that signs requests to other servers (signingKeyPath), and prints the key ID and the public
key. The formats of the files that are read are recognised. The secret is never printed.

  generate         a new key
  convert IN       the first key of a file, unchanged, in another format
  merge IN...      all keys of the files, in this order: the first one signs. Each key ID may occur once
  --format FORMAT  of the file to write: mmr, synapse or dendrite (default: mmr)
  --output FILE    the file to write (default: signing.key); only its owner may read it
  --force          overwrite FILE if it is there

Exit codes: 0 written, 1 not written, 2 called wrongly
`,
  async run(args, io) {
    const { values, words } = parseFlags(args, {
      format: { type: 'string' },
      output: { type: 'string' },
      force: { type: 'boolean' },
    });
    const [action = '', ...inputs] = words;
    const format = KEY_FILE_FORMATS.find((known) => known === (values.format ?? 'mmr'));
    if (format === undefined) throw new UsageError(`--format "${values.format}" is not mmr, synapse or dendrite`);
    const output = values.output ?? 'signing.key';
    if (output === '') throw new UsageError('--output names no file');
    try {
      const keys = await keysFor(action, inputs, io);
      if (!(await writeSecretFile(resolve(io.cwd, output), formatKeyFile(format, keys), values.force ?? false))) {
        io.stderr(`${output} exists already and was left as it is. Name another file with --output, or add --force.\n`);
        return 1;
      }
      io.stdout(`Wrote ${output} (${format}):\n${keys.map(describe).join('')}`);
      return 0;
    } catch (error) {
      if (!(error instanceof KeyFileProblem || (error instanceof Error && 'syscall' in error))) throw error;
      io.stderr(`${error.message}\n`);
      return 1;
    }
  },
};

async function keysFor(action: string, inputs: readonly string[], io: CommandIo): Promise<readonly SigningKey[]> {
  switch (action) {
    case 'generate':
      if (inputs.length > 0) throw new UsageError(`"${inputs[0]}" is not expected here`);
      return [generateSigningKey()];
    case 'convert': {
      const [input, ...more] = inputs;
      if (input === undefined || more.length > 0) throw new UsageError('name one file to convert');
      return await firstKeyOf(input, io);
    }
    case 'merge':
      if (inputs.length === 0) throw new UsageError('name the files to merge');
      return await allKeysOf(inputs, io);
    default:
      throw new UsageError('say "generate", "convert" or "merge"');
  }
}

async function firstKeyOf(input: string, io: CommandIo): Promise<readonly SigningKey[]> {
  const [first, ...others] = (await readKeyFile(resolve(io.cwd, input))).keys;
  if (others.length > 0) {
    const left = others.map(({ keyId }) => keyId).join(', ');
    io.stderr(`${input} has more keys, which are left out: ${left}. "vitrine signing-key merge" keeps them.\n`);
  }
  return [first];
}

/** @throws {KeyFileProblem} when two keys have the same ID: nobody could tell whose signature it is */
async function allKeysOf(inputs: readonly string[], io: CommandIo): Promise<readonly SigningKey[]> {
  const found = new Map<string, { readonly key: SigningKey; readonly input: string }>();
  for (const input of inputs) {
    for (const key of (await readKeyFile(resolve(io.cwd, input))).keys) {
      const earlier = found.get(key.keyId);
      if (earlier !== undefined) {
        throw new KeyFileProblem(`the key ID ${key.keyId} occurs in ${earlier.input} already`, { path: input });
      }
      found.set(key.keyId, { key, input });
    }
  }
  return [...found.values()].map(({ key }) => key);
}

function describe(key: SigningKey): string {
  return `  ${key.keyId}, public key ${publicTextOf(key)}\n`;
}
