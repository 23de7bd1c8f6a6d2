import { findServerNameProblem } from '../matrix/index.ts';

/** Specification: Appendices, "User Identifiers". */
const MAX_BYTES = 255;
/** The localpart may be historical: anything but a colon and what would harm a log or the database. */
const USER_ID = /^@[^:\p{Cc}]*:([^\p{Cc}]+)$/u;

/** The server name in `@localpart:server`; `undefined` when the text is no user ID. */
export function serverNameOfUser(userId: string): string | undefined {
  const serverName = USER_ID.exec(userId)?.[1];
  if (serverName === undefined || findServerNameProblem(serverName) !== undefined) return undefined;
  return Buffer.byteLength(userId) <= MAX_BYTES && userId.isWellFormed() ? serverName : undefined;
}
