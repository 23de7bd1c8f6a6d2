import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import type { Config } from '../../config/index.ts';
import { formatBytes } from '../progress-line.ts';
import { type Diagnosis, ok, problem, warning } from './diagnosis.ts';

const PROBLEM_BYTES = 200_000_000;
const WARN_BYTES = 2_000_000_000;
const WARN_SHARE = 0.05;

/** Room, and names for files, on each disk that is written. */
export async function lookAtDisks(config: Config): Promise<Diagnosis[]> {
  const diagnoses = await Promise.all(foldersOf(config).map(([what, path]) => lookAt(what, path)));
  return diagnoses.filter((diagnosis) => diagnosis !== undefined);
}

function foldersOf({ database, allDatastores, repo, thumbnails }: Config): [what: string, path: string][] {
  const folders = allDatastores.flatMap(({ id, opts: { path = '', tempPath = '', cachePath = '' } }) => {
    const ofDatastore: [string, string][] = [
      [`datastore ${id}`, path],
      [`uploads to datastore ${id}`, tempPath],
      [`the cache of datastore ${id}`, cachePath],
    ];
    return ofDatastore.filter(([, folder]) => folder !== '');
  });
  if (database.sqlite !== '') folders.push(['database', dirname(database.sqlite)]);
  if (repo.logDirectory !== '' && repo.logDirectory !== '-') folders.push(['logs', repo.logDirectory]);
  folders.push(['temporary files', thumbnails.tempPath || tmpdir()]);
  return folders;
}

async function lookAt(what: string, path: string): Promise<Diagnosis | undefined> {
  const part = `disk of ${what}`;
  const found = await statfs(path).catch(() => undefined);
  if (found === undefined) return undefined; // not there yet; others tell of it
  const { bavail, bsize, blocks, ffree, files } = found;
  const freeBytes = bavail * bsize;
  const share = blocks === 0 ? 1 : bavail / blocks;
  const text = `${formatBytes(freeBytes)} free (${Math.floor(share * 100)} %), ${path}`;
  const advice = 'Make room, or see docs/retention.md and docs/moving-objects.md.';
  if (freeBytes < PROBLEM_BYTES) return problem(part, text, advice);
  if (files > 0 && ffree / files < WARN_SHARE) {
    return warning(part, `only ${ffree} more files fit (inodes), ${path}`, advice);
  }
  if (freeBytes < WARN_BYTES || share < WARN_SHARE) return warning(part, text, advice);
  return ok(part, text);
}
