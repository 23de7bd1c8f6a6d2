import type { Config } from '../../config/index.ts';
import {
  type Database,
  DatabaseRefused,
  distinctDatastoreIds,
  inspectDatabase,
  openDatabase,
  type PostgresReport,
} from '../../database/index.ts';
import type { Log } from '../../telemetry/index.ts';
import { type Diagnosis, ok, problem, warning } from './diagnosis.ts';
import { judgeClock } from './look-at-clock.ts';

const PART = 'database';
/** A round trip takes that, at the most, without anything being wrong. */
const EXACT_MS = 500;

export interface DatabaseLook {
  readonly config: Config;
  readonly now: () => number;
  readonly log: Log;
}

/** Without changing it. */
export async function lookAtDatabase({ config, now, log }: DatabaseLook, signal: AbortSignal): Promise<Diagnosis[]> {
  const { sqlite, postgres, pool, timeouts } = config.database;
  const named = sqlite === '' ? { postgres } : { sqlite };
  try {
    const report = await inspectDatabase({ ...named, now, signal });
    const { program, isNew, missingSteps, isInUse, clockAheadMs, server } = report;
    const clock = clockAheadMs === undefined ? [] : [judgeClock('the database', clockAheadMs, EXACT_MS)];
    const about = sqlite === '' ? program : `${program}, ${sqlite}`;
    const others = [...clock, ...(server === undefined ? [] : judgeServer(server, pool, isNew || missingSteps > 0))];
    if (isNew) return [ok(PART, `${about}: empty; the next start makes its tables`), ...others];
    if (missingSteps > 0) {
      const found = `${about}: its tables are ${missingSteps} steps behind`;
      return [warning(PART, found, 'The next start brings them up to date. Back it up before.'), ...others];
    }
    const used = isInUse ? ', in use by a running Vitrine' : '';
    const first = ok(PART, `${about}: tables up to date${used}`);
    if (isInUse) return [first, ...others];
    await using database = await openDatabase({ ...named, pool, timeouts, log, now, signal });
    return [first, ...others, ...(await judgeDatastores(config, database.patient(signal)))];
  } catch (error) {
    if (!(error instanceof DatabaseRefused)) throw error;
    return [
      problem(
        PART,
        error.message,
        `Correct database.${sqlite === '' ? 'postgres' : 'sqlite'}, or mend what it says. See docs/databases.md.`,
      ),
    ];
  }
}

function judgeServer(
  { encoding, maxConnections, closedTables, mayMakeTables }: PostgresReport,
  pool: Config['database']['pool'],
  hasSteps: boolean,
): Diagnosis[] {
  const advice = 'Vitrine has to connect as the role that owns the tables.';
  const diagnoses: Diagnosis[] = [];
  if (closedTables.length > 0) {
    const found = `the role may not read, write and delete in ${closedTables.join(', ')}`;
    diagnoses.push(problem(PART, found, advice));
  }
  if (hasSteps && !mayMakeTables) diagnoses.push(problem(PART, 'the role may not make tables in its schema', advice));
  if (encoding !== 'UTF8') {
    const found = `its encoding is ${encoding}: names with other characters are refused with an error`;
    diagnoses.push(warning(PART, found, 'Move it into a database with ENCODING UTF8, by pg_dump and pg_restore.'));
  }
  if (pool.maxConnections <= 0 || pool.maxConnections >= maxConnections) {
    const limit = pool.maxConnections <= 0 ? 'no limit' : `${pool.maxConnections}`;
    const found = `database.pool.maxConnections is ${limit}, and the server has ${maxConnections} connections for all who use it`;
    diagnoses.push(warning(PART, found, 'Set it lower, for all processes together, or put a pooler in between.'));
  }
  return diagnoses;
}

/** A start refuses media in datastores which are not configured, and does without thumbnails and exports there. */
async function judgeDatastores({ allDatastores }: Config, { db }: Database): Promise<Diagnosis[]> {
  const known = new Set(allDatastores.map(({ id }) => id));
  const unknownOf = (ids: readonly string[]) => ids.filter((id) => !known.has(id));
  const namesOf = (ids: readonly string[]) => ids.map((id) => JSON.stringify(id)).join(', ');
  const missing = unknownOf(await distinctDatastoreIds(db, ['media']));
  if (missing.length > 0) {
    const found = `there is media in datastores that are not configured: ${namesOf(missing)}`;
    return [problem(PART, found, 'Add them to "datastores", with their old IDs; forKinds may be empty.')];
  }
  const others = unknownOf(await distinctDatastoreIds(db));
  if (others.length === 0) return [];
  const found = `there are thumbnails or exports in datastores that are not configured: ${namesOf(others)}`;
  return [warning(PART, found, 'Add them to "datastores", or do without: thumbnails are made again.')];
}
