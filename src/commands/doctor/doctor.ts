import { findConfigPath } from '../../config/index.ts';
import { openLog } from '../../telemetry/index.ts';
import type { Command, CommandIo } from '../command.ts';
import { parseFlags, UsageError } from '../flags.ts';
import { type Diagnosis, problem } from './diagnosis.ts';
import { lookAtConfiguration } from './look-at-configuration.ts';
import { lookAtDatabase } from './look-at-database.ts';
import { lookAtDatastores } from './look-at-datastores.ts';
import { lookAtDisks } from './look-at-disks.ts';
import { lookAtHomeservers } from './look-at-homeservers.ts';
import { lookAtPrograms } from './look-at-programs.ts';
import { lookAtRedis } from './look-at-redis.ts';

/** However much there is to look at, somebody waits for the answer. */
const PATIENCE_MS = 60_000;

/** `vitrine doctor`: whether everything that the service stands on is as it should be. */
export const doctor: Command = {
  summary: 'Look at everything the service needs, and say what to do about problems',
  usage: `Usage: vitrine doctor [--json] [--config PATH]

Looks at the configuration, the database, the datastores, Redis, the homeservers and their signing keys, the clock, the
disks and the optional programs, and says what to do about each problem. It changes nothing: in each datastore an object is stored
and deleted again. It can run beside Vitrine.

  --json         one JSON object a line in place of text
  --config PATH  a file, or a folder of files. Without it: REPO_CONFIG, else ./media-repo.yaml,
                 else ./data/media-repo.yaml

Exit codes: 0 no problems, though perhaps warnings; 1 problems; 2 called wrongly
`,
  async run(args, io) {
    const { values, words } = parseFlags(args, { json: { type: 'boolean' }, config: { type: 'string' } });
    if (words.length > 0) throw new UsageError(`"${words[0]}" is not expected here`);
    const diagnoses = await examine(values.config, io);
    for (const diagnosis of diagnoses) {
      io.stdout(values.json === true ? `${JSON.stringify(diagnosis)}\n` : describe(diagnosis));
    }
    const problems = diagnoses.filter(({ state }) => state === 'problem').length;
    const warnings = diagnoses.filter(({ state }) => state === 'warning').length;
    if (values.json !== true) io.stdout(`\n${count(problems, 'problem')}, ${count(warnings, 'warning')}\n`);
    return problems > 0 ? 1 : 0;
  },
};

async function examine(path: string | undefined, io: CommandIo): Promise<readonly Diagnosis[]> {
  const found = findConfigPath(path, io.env, io.cwd);
  if (found === undefined) {
    return [problem('configuration', 'there is none here', '"vitrine init" writes one; --config names one.')];
  }
  const { loaded, diagnoses } = await lookAtConfiguration(found.path, io.env);
  if (loaded === undefined) return diagnoses;
  const { config } = loaded;
  const now = Date.now;
  const opened = openLog({ level: 'fatal', colors: false, json: false, directory: '-', now, output: io.stderr });
  await using _log = opened;
  const parts = { config, now, log: opened.log };
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const looks: readonly (readonly [part: string, look: Promise<readonly Diagnosis[]>])[] = [
    ['database', lookAtDatabase(parts, AbortSignal.any([signal, AbortSignal.timeout(15_000)]))],
    ['datastores', lookAtDatastores(parts, signal)],
    ['disks', lookAtDisks(config)],
    ['redis', lookAtRedis(config)],
    ['homeservers', lookAtHomeservers(config, now, signal)],
    ['programs', lookAtPrograms(config, io.env['PATH'] ?? '', signal)],
  ];
  const all = await Promise.all(
    looks.map(([part, look]) =>
      look.catch((error: unknown) => [
        problem(part, `it could not be looked at: ${String(error)}`, 'If nothing else explains it, report it.'),
      ]),
    ),
  );
  return [...diagnoses, ...all.flat()];
}

const MARKS = { ok: 'ok      ', warning: 'warning ', problem: 'PROBLEM ' } as const;

function describe({ part, state, found, advice }: Diagnosis): string {
  const lines = [`${MARKS[state]} ${part}: ${found}`, ...(advice === undefined ? [] : [`          → ${advice}`])];
  return `${lines.join('\n')}\n`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
