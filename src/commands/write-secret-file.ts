import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';

/**
 * Writes a file that its owner alone may read.
 * @param overwrite whether a file of this name may be there. It is then replaced as a whole: one who reads it at that
 *   moment sees the old or the new one, and nobody keeps the right to read that the old one may have given
 * @returns `false` when a file was there and was left alone
 */
export async function writeSecretFile(path: string, text: string, overwrite: boolean): Promise<boolean> {
  const secret = { flag: 'wx', mode: 0o600, flush: true } as const;
  if (!overwrite) {
    try {
      await writeFile(path, text, secret);
      return true;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
      throw error;
    }
  }
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, text, secret);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return true;
}
