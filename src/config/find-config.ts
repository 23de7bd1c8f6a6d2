import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError } from './problems.ts';

export interface FoundConfig {
  /** Absolute; a file or a folder. */
  readonly path: string;
  readonly why: 'flag' | 'environment' | 'working folder' | 'data folder';
}

/**
 * Which configuration is meant: what the command line names, else what `REPO_CONFIG` names, else what lies in the
 * working folder. `undefined`: there is none yet.
 */
export function findConfigPath(
  flag: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): FoundConfig | undefined {
  if (flag !== undefined && flag !== '') return { path: resolve(cwd, flag), why: 'flag' };
  const named = env['REPO_CONFIG'];
  if (named !== undefined && named !== '') return { path: resolve(cwd, named), why: 'environment' };
  const here = resolve(cwd, 'media-repo.yaml');
  if (existsSync(here)) return { path: here, why: 'working folder' };
  const data = resolve(cwd, 'data', 'media-repo.yaml');
  return existsSync(data) ? { path: data, why: 'data folder' } : undefined;
}

/** What the process's environment says beside the files. */
export interface Environment {
  /** Names this process among those that share a database: 0–1023. */
  readonly machineId: number;
  /** Folders with programs, as in `PATH`. */
  readonly searchPath: string;
}

/** @throws {ConfigError} when `MACHINE_ID` is no number from 0 to 1023: two processes with one number would collide */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Environment {
  const text = env['MACHINE_ID'] ?? '';
  const machineId = text === '' ? 0 : Number(text);
  if (!/^\d*$/.test(text) || machineId > 1023) {
    const found = `"${text}" was found in the environment; allowed: a whole number from 0 to 1023`;
    throw new ConfigError([{ place: undefined, key: 'MACHINE_ID', text: found }]);
  }
  return Object.freeze({ machineId, searchPath: env['PATH'] ?? '' });
}
