import { resolve } from 'node:path';
import type { DatastoreConfig } from '../config/index.ts';
import { distinctDatastoreIds } from '../database/index.ts';
import { BEGINNING, type BrokenObject, type CheckTotals, checkStorage, type ToldFinding } from '../upkeep/index.ts';
import { openCheckFile } from './check-file.ts';
import type { Command, CommandIo } from './command.ts';
import { explainError } from './explain-error.ts';
import { parseCount, parseFlags, UsageError } from './flags.ts';
import { listenForInterrupt } from './interrupt.ts';
import { openStorage, type Storage, StorageProblem } from './open-storage.ts';
import { createProgressLine, drawBar, formatBytes } from './progress-line.ts';

const HOUR_MS = 3_600_000;
const MAX_HOURS = 24 * 365 * 10;

interface CheckFlags {
  readonly datastore: string | undefined;
  readonly hashes: boolean;
  readonly repair: boolean;
  readonly json: boolean;
  readonly resume: string | undefined;
  readonly minAgeMs: number;
}

/** `vitrine check`: the database and the datastores compared, both ways. */
export const check: Command = {
  summary: 'Compare the database with the datastores, and repair what is safe',
  usage: `Usage: vitrine check [--datastore ID] [--hashes] [--repair] [--json] [--resume FILE] [--min-age-hours N] [--config PATH]

Tells of objects that no record points at, of records whose object is lost, and of objects of the wrong size. Changes nothing
unless it is told to. With PostgreSQL it can run beside Vitrine; with SQLite Vitrine has to be stopped.

  --datastore ID     only this one (default: all)
  --hashes           read every object, and tell of those whose content is not what it was
  --repair           delete objects that no record points at; point records at another object of the same content;
                     forget thumbnails and remote media whose objects are lost, which are made and fetched again.
                     What users have uploaded, and what is quarantined or pinned, is left as it is
  --json             one JSON object a line in place of text; the last one has the sums
  --resume FILE      write down in FILE how far it is, and go on from there if FILE is there already
  --min-age-hours N  leave objects alone that are younger: they may belong to uploads under way (default: 24)
  --config PATH      a file, or a folder of files. Without it: REPO_CONFIG, else ./media-repo.yaml,
                     else ./data/media-repo.yaml

Exit codes: 0 nothing was found, or all of it repaired; 1 something is wrong; 2 called wrongly
`,
  async run(args, io) {
    const flags = parse(args);
    using interrupted = listenForInterrupt();
    const line = createProgressLine(io);
    try {
      await using storage = await openStorage(flags.config, io, interrupted.signal);
      return await run(storage, flags, io, line, interrupted.signal);
    } catch (error) {
      line.clear();
      const explained = explainError(error);
      if (explained === undefined) throw error;
      io.stderr(`${explained}\n`);
      const goesOn = flags.resume !== undefined && !(error instanceof StorageProblem);
      if (goesOn) io.stderr(`The same command goes on from where it was: ${flags.resume}\n`);
      return 1;
    }
  },
};

function parse(args: readonly string[]): CheckFlags & { readonly config: string | undefined } {
  const { values, words } = parseFlags(args, {
    datastore: { type: 'string' },
    hashes: { type: 'boolean' },
    repair: { type: 'boolean' },
    json: { type: 'boolean' },
    resume: { type: 'string' },
    'min-age-hours': { type: 'string' },
    config: { type: 'string' },
  });
  if (words.length > 0) throw new UsageError(`"${words[0]}" is not expected here`);
  if (values.resume === '') throw new UsageError('--resume names no file');
  return {
    datastore: values.datastore,
    hashes: values.hashes ?? false,
    repair: values.repair ?? false,
    json: values.json ?? false,
    resume: values.resume,
    minAgeMs: parseCount('--min-age-hours', values['min-age-hours'] ?? '24', MAX_HOURS) * HOUR_MS,
    config: values.config,
  };
}

async function run(
  storage: Storage,
  flags: CheckFlags,
  io: CommandIo,
  line: ReturnType<typeof createProgressLine>,
  signal: AbortSignal,
): Promise<number> {
  const datastoreIds = choose(storage, flags.datastore);
  const strangers = flags.datastore === undefined ? await findStrangers(storage) : [];
  refuseNested(storage.config.allDatastores);
  const sharedWith = new Map(datastoreIds.map((id) => [id, storage.datastores.sharing(id)]));
  const options = { datastoreIds, hashes: flags.hashes, repair: flags.repair, minAgeMs: flags.minAgeMs, sharedWith };
  const file = flags.resume === undefined ? undefined : await openCheckFile(resolve(io.cwd, flags.resume), options);
  const parts = {
    ...storage,
    ourOrigins: () => [...storage.config.domains.values()].map(({ serverName }) => serverName),
  };
  const tell = (value: object, text: string) => {
    line.clear();
    io.stdout(flags.json ? `${JSON.stringify(value)}\n` : `${text}\n`);
  };
  for (const id of strangers) {
    tell(
      { kind: 'unknown datastore', datastore_id: id },
      `unknown datastore: records point into "${id}"; configure it`,
    );
  }
  const totals = await checkStorage(
    parts,
    options,
    file?.state ?? BEGINNING,
    {
      found: (finding) => tell(finding, describe(finding)),
      async passed(state, id, expectedRows) {
        const { objects, rows } = state.ofDatastore;
        const [seen, what] = state.step === 0 ? [objects, 'objects'] : [rows, 'rows'];
        line.show(drawBar(seen, expectedRows, `${id}: ${seen} ${what}`));
        await file?.save(state);
        signal.throwIfAborted();
      },
      distrusts(id, why) {
        line.clear();
        io.stderr(`${id}: ${why} Nothing of it is repaired.\n`);
      },
    },
    signal,
  );
  line.clear();
  await file?.remove();
  tell({ kind: 'summary', ...totals }, summarize(totals, flags));
  return totals.findings > totals.repaired || strangers.length > 0 ? 1 : 0;
}

function choose({ config, datastores }: Storage, wanted: string | undefined): readonly string[] {
  const open = config.allDatastores.map(({ id }) => id).filter((id) => datastores.find(id) !== undefined);
  if (wanted === undefined) return open;
  if (open.includes(wanted)) return [wanted];
  throw new StorageProblem(`There is no datastore "${wanted}". These are configured: ${open.join(', ')}`);
}

/** Datastores that records name and the configuration does not. */
async function findStrangers({ config, database }: Storage): Promise<readonly string[]> {
  const known = new Set(config.allDatastores.map(({ id }) => id));
  return (await distinctDatastoreIds(database.db)).filter((id) => !known.has(id));
}

function describe(finding: ToldFinding): string {
  const { kind, datastore_id, location, repair } = finding;
  const about = `${kind}: ${datastore_id} ${location} (${detailsOf(finding)})`;
  return repair === undefined ? about : `${about}: ${repair}`;
}

function detailsOf(finding: ToldFinding): string {
  switch (finding.kind) {
    case 'object without rows':
    case 'unknown file':
      return `${finding.sizeBytes} bytes, ${new Date(finding.modifiedTs).toISOString()}`;
    case 'rows without object':
      return [`${finding.dueBytes} bytes are due`, ...mediaOf(finding)].join(', ');
    case 'wrong size':
      return [`${finding.foundBytes} bytes, ${finding.dueBytes} are due`, ...mediaOf(finding)].join(', ');
    case 'unreadable entry':
      return finding.cause;
    case 'unreadable object':
      return [finding.cause, ...mediaOf(finding)].join(', ');
    case 'wrong hash':
      return [`${finding.foundSha256}, ${finding.dueSha256} is due`, ...mediaOf(finding)].join(', ');
    default:
      return finding satisfies never;
  }
}

function mediaOf({ media, mediaCount }: Pick<BrokenObject, 'media' | 'mediaCount'>): readonly string[] {
  const others = mediaCount - media.length;
  return others > 0 ? [...media, `and ${others} more`] : media;
}

function summarize(totals: CheckTotals, { repair, hashes }: CheckFlags): string {
  const { objects, objectBytes, rows, young, blocked, findings, repaired } = totals;
  const open = findings - repaired;
  const advice = open > 0 && !repair ? '. --repair mends what is safe' : '';
  return [
    `${objects} objects with ${formatBytes(objectBytes)}, ${rows} records${hashes ? ', every object read' : ''}`,
    ...(young > 0 ? [`${young} objects are too young to judge`] : []),
    ...(blocked > 0 ? [`${blocked} records keep quarantined content away whose objects are gone, as they should`] : []),
    findings === 0 ? 'No problems' : `${findings} problems, ${repaired} repaired${advice}`,
  ].join('\n');
}

/** @throws {StorageProblem} where one folder lies within another: the objects of the inner one would look like remains */
function refuseNested(datastores: readonly DatastoreConfig[]): void {
  const folders = datastores
    .filter(({ type }) => type === 'file')
    .map(({ id, opts }) => ({ id, folder: `${resolve(opts['path'] ?? '')}/` }));
  for (const { id, folder } of folders) {
    const inner = folders.find((other) => other.folder !== folder && other.folder.startsWith(folder));
    if (inner !== undefined)
      throw new StorageProblem(`The folder of datastore "${inner.id}" lies within that of "${id}"`);
  }
}
