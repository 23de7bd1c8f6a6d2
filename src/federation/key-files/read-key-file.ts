import { readFile } from 'node:fs/promises';
import { type KeyFile, parseKeyFile } from './key-file.ts';
import { KeyFileProblem } from './key-file-problem.ts';

/** @throws {KeyFileProblem} with the path, and the line where there is one */
export async function readKeyFile(path: string): Promise<KeyFile> {
  try {
    return parseKeyFile(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof KeyFileProblem) {
      throw new KeyFileProblem(error.problem, { ...error.place, path }, { cause: error });
    }
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new KeyFileProblem(`the file cannot be read (${error.message})`, { path }, { cause: error });
  }
}
