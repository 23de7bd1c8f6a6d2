import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import type { CheckOptions, CheckState } from '../upkeep/index.ts';
import { StorageProblem } from './open-storage.ts';

/** How far a check is, in a file. */
export interface CheckFile {
  /** What an earlier run has left; `undefined`: it is to begin. */
  readonly state: CheckState | undefined;
  save(state: CheckState): Promise<void>;
  remove(): Promise<void>;
}

const FORMAT = 'vitrine check 1';

/** @throws {StorageProblem} for a file of another check, or of something else */
export async function openCheckFile(path: string, options: CheckOptions): Promise<CheckFile> {
  const earlier = await readIfThere(path);
  const plain = asJson(options);
  if (earlier !== undefined && !isDeepStrictEqual(earlier.options, plain)) {
    throw new StorageProblem(`${path} is of a check with other options or datastores. Remove it to begin anew`);
  }
  return {
    state: earlier?.state,
    async save(state) {
      await writeFile(`${path}.tmp`, JSON.stringify({ format: FORMAT, options: plain, state }));
      await rename(`${path}.tmp`, path); // whole at any time
    },
    remove: () => rm(path, { force: true }),
  };
}

/** As it comes back from a file. */
function asJson({ sharedWith, ...options }: CheckOptions): unknown {
  return JSON.parse(JSON.stringify({ ...options, sharedWith: [...sharedWith] }));
}

interface Kept {
  readonly options: unknown;
  readonly state: CheckState;
}

async function readIfThere(path: string): Promise<Kept | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  const kept = parseJson(text) as Partial<Kept & { readonly format: string }> | undefined;
  if (kept?.format === FORMAT && kept.state !== undefined) return { options: kept.options, state: kept.state };
  throw new StorageProblem(`${path} is not the state of a check. Name another file with --resume`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // then it is none of ours
  }
}
