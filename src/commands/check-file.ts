import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { BEGINNING, type CheckOptions, type CheckState } from '../upkeep/index.ts';
import { StorageProblem } from './open-storage.ts';

/** How far a check is, in a file. */
export interface CheckFile {
  /** What an earlier run has left; `undefined`: it is to begin. */
  readonly state: CheckState | undefined;
  save(state: CheckState): Promise<void>;
  remove(): Promise<void>;
}

const FORMAT = 'vitrine check 1';

/** @throws {StorageProblem} for a file of another check, or of something else, or one that cannot be read or written */
export async function openCheckFile(path: string, options: CheckOptions): Promise<CheckFile> {
  const earlier = await readIfThere(path);
  const plain = asJson(options);
  if (earlier !== undefined && !isDeepStrictEqual(earlier.options, plain)) {
    throw new StorageProblem(`${path} is of a check with other options or datastores. Remove it to begin anew`);
  }
  const file: CheckFile = {
    state: earlier?.state,
    save: (state) =>
      orToTheOperator(path, 'written', async () => {
        await writeFile(`${path}.tmp`, JSON.stringify({ format: FORMAT, options: plain, state }));
        await rename(`${path}.tmp`, path); // whole at any time
      }),
    remove: () => rm(path, { force: true }),
  };
  if (earlier === undefined) await file.save(BEGINNING); // a check may take days, and it is to be known now
  return file;
}

async function orToTheOperator<T>(path: string, what: 'read' | 'written', act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StorageProblem(`The file of --resume, ${path}, cannot be ${what}: ${why}`, { cause });
  }
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
  const text = await orToTheOperator(path, 'read', () =>
    readFile(path, 'utf8').catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }),
  );
  if (text === undefined) return undefined;
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
