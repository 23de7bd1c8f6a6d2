import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Log } from '../telemetry/index.ts';
import { wasNameRefused } from './postgres-errors.ts';

/** Which queries are prepared under a name, so that the server reads and plans them once for each connection. */
export interface PreparedStatements {
  /** @returns `undefined`: it is to be asked without a name */
  nameOf(text: string): string | undefined;
  /** To be told what a query with a name has thrown. @returns whether it was not run, and can be asked without a name */
  isRefused(error: unknown): boolean;
}

/** Each is kept by the server for each connection, and takes some 30 KB there. */
const MAX_NAMES = 50;
/** What is asked less often is not worth a name; lists of many lengths make many texts. */
const NAMED_AFTER_USES = 5;
const MAX_WATCHED = 200;
const MAX_TEXT = 4_000;
const IS_PLANNED = /^(?:select|insert|update|delete|with)\b/i;

export function createPreparedStatements(log: Log): PreparedStatements {
  const names = new Map<string, string>();
  const uses = new LRUCache<string, number>({ max: MAX_WATCHED });
  let generation = 0;
  let isGivenUp = false;
  return {
    nameOf(text) {
      const known = names.get(text);
      if (known !== undefined) return known;
      if (isGivenUp || names.size >= MAX_NAMES || text.length > MAX_TEXT || !IS_PLANNED.test(text)) return undefined;
      const count = (uses.get(text) ?? 0) + 1;
      uses.set(text, count);
      if (count <= NAMED_AFTER_USES) return undefined;
      uses.delete(text);
      // The same for the same text in all processes: a pooler may give us a connection that another one has used.
      const name = `vitrine_${generation}_${hash('sha256', text, 'base64url')}`;
      names.set(text, name);
      return name;
    },
    isRefused(error) {
      const why = wasNameRefused(error);
      if (why === undefined) return false;
      names.clear();
      if (why === 'changed') generation += 1;
      else if (!isGivenUp) {
        isGivenUp = true;
        log.warn(
          'No more prepared statements: a pooler in between mixes them up. Set database.preparedStatements: false',
        );
      }
      return true;
    },
  };
}
