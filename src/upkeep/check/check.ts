import { countObjectRows, REFERRING_TABLES } from '../../database/index.ts';
import type { Datastore } from '../../datastores/index.ts';
import { checkObjects } from './check-objects.ts';
import {
  addTotals,
  type CheckedPage,
  type CheckOptions,
  type CheckParts,
  type CheckTotals,
  NOTHING_YET,
} from './check-parts.ts';
import { checkRows } from './check-rows.ts';
import { findDistrust } from './find-distrust.ts';
import type { ToldFinding } from './finding.ts';

/** Where a check is. Plain JSON, so that an interrupted one can go on from it. */
export interface CheckState {
  /** Which of the datastores, from 0. */
  readonly datastore: number;
  /** Which of the steps, from 0. */
  readonly step: number;
  /** What lies up to this location, in the order of the step, has been looked at. */
  readonly after: string;
  /** Looked at so far, of this datastore. */
  readonly ofDatastore: { readonly objects: number; readonly rows: number };
  readonly totals: CheckTotals;
}

const NOTHING_SEEN = { objects: 0, rows: 0 };

export const BEGINNING: CheckState = {
  datastore: 0,
  step: 0,
  after: '',
  ofDatastore: NOTHING_SEEN,
  totals: NOTHING_YET,
};

export interface CheckWatcher {
  found(finding: ToldFinding): void;
  /** After each page, when all that it found has been told. @param expectedRows roughly, of this datastore */
  passed(state: CheckState, datastoreId: string, expectedRows: number): Promise<void>;
  /** Nothing of this datastore is repaired. */
  distrusts(datastoreId: string, why: string): void;
}

/** First the objects; then the rows, table by table. */
const STEPS = ['objects', ...REFERRING_TABLES] as const;

/**
 * Compares what the datastores hold with what the database says, both ways. It reads page by page, so memory does not
 * depend on how much there is.
 * @throws {Unavailable} when the database or a datastore is away; `passed` has told from where to go on
 */
export async function checkStorage(
  parts: CheckParts,
  options: CheckOptions,
  beginning: CheckState,
  watcher: CheckWatcher,
  signal: AbortSignal,
): Promise<CheckTotals> {
  let state = beginning;
  for (let id = options.datastoreIds[state.datastore]; id !== undefined; id = options.datastoreIds[state.datastore]) {
    const expectedRows = await countObjectRows(parts.database.patient(signal).db, id);
    const repair = options.repair && (await isTrusted(parts, options, id, watcher, signal));
    for (let step = STEPS[state.step]; step !== undefined; step = STEPS[state.step]) {
      for await (const page of pagesOf(parts, { ...options, repair }, id, step, state, signal)) {
        for (const finding of page.findings) watcher.found(finding);
        state = {
          ...state,
          after: page.after,
          ofDatastore: see(state.ofDatastore, page),
          totals: add(state.totals, page),
        };
        await watcher.passed(state, id, expectedRows);
      }
      state = { ...state, step: state.step + 1, after: '' };
    }
    state = { ...BEGINNING, datastore: state.datastore + 1, totals: state.totals };
  }
  return state.totals;
}

function pagesOf(
  parts: CheckParts,
  options: CheckOptions,
  id: string,
  step: (typeof STEPS)[number],
  { after }: CheckState,
  signal: AbortSignal,
): AsyncIterable<CheckedPage> {
  const datastore = findDatastore(parts, id);
  if (step === 'objects') return checkObjects(parts, options, datastore, after, signal);
  return checkRows(parts, options, datastore, step, after, signal);
}

async function isTrusted(
  parts: CheckParts,
  options: CheckOptions,
  id: string,
  watcher: CheckWatcher,
  signal: AbortSignal,
): Promise<boolean> {
  const why = await findDistrust(parts, options, findDatastore(parts, id), signal);
  if (why !== undefined) watcher.distrusts(id, why);
  return why === undefined;
}

function findDatastore({ datastores }: CheckParts, id: string): Datastore {
  const datastore = datastores.find(id);
  if (datastore === undefined) throw new Error(`The datastore "${id}" is not open`);
  return datastore;
}

function add(totals: CheckTotals, { findings, totals: ofPage }: CheckedPage): CheckTotals {
  const repaired = findings.filter(({ repair }) => repair !== undefined).length;
  return addTotals(totals, { ...ofPage, findings: findings.length, repaired });
}

function see({ objects, rows }: CheckState['ofDatastore'], page: CheckedPage): CheckState['ofDatastore'] {
  return {
    objects: objects + (page.totals.objects ?? 0),
    rows: rows + (page.totals.rows ?? 0),
  };
}
