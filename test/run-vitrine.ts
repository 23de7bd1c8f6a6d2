import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const VITRINE = fileURLToPath(new URL('../bin/vitrine', import.meta.url));

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a subcommand of `vitrine` to its end, as an operator would in `cwd`. */
export async function runVitrine(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const environment = { PATH: process.env['PATH'] ?? '', ...env };
  execFile(VITRINE, args, { cwd, env: environment, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
    resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
  });
  return await promise;
}
