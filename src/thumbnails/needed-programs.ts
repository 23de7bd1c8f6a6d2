import type { Log } from '../telemetry/index.ts';
import { findPrograms, type Programs } from './programs/find-programs.ts';
import { familiesListedIn } from './suitable.ts';

const NONE: Programs = { ffmpeg: undefined, ffprobe: undefined, pdftoppm: undefined };

/**
 * Looks for the programs that listed types need, once, and tells what is there and what cannot be done without the rest. Where
 * nothing needs one, none is looked for.
 * @param types all of `thumbnails.types`
 * @param searchPath folders, as in the environment's `PATH`
 */
export async function findNeededPrograms(
  types: readonly string[],
  searchPath: string,
  log: Log,
  signal: AbortSignal,
): Promise<Programs> {
  const families = familiesListedIn(types);
  if (families.length === 0) return NONE;
  const { programs, confinement } = await findPrograms(searchPath, signal);
  const found = Object.entries(programs).flatMap(([name, program]) => (program ? [`${name} ${program.version}`] : []));
  log.info(
    found.length === 0 ? 'Optional programs: none' : `Optional programs: ${found.join(', ')}; they run ${confinement}`,
  );
  const moving = families.filter((family) => family !== 'document');
  const missing = (['ffmpeg', 'ffprobe'] as const).filter((name) => programs[name] === undefined);
  if (moving.length > 0 && missing.length > 0) warn(log, missing, moving, 'ffmpeg');
  if (families.includes('document') && programs.pdftoppm === undefined) {
    warn(log, ['pdftoppm'], ['PDF'], 'poppler-utils');
  }
  return programs;
}

function warn(log: Log, missing: readonly string[], what: readonly string[], debianPackage: string): void {
  log.warn(
    `"thumbnails.types" lists what needs ${missing.join(' and ')}, which is missing: there are no thumbnails of ${what.join(' and ')}. ` +
      `Install it (Debian's package is ${debianPackage}) and start again`,
  );
}
