import type { Log } from '../telemetry/index.ts';
import { findPrograms, type Programs } from './programs/find-programs.ts';
import { familiesListedIn } from './suitable.ts';

const NONE: Programs = { ffmpeg: undefined, ffprobe: undefined, pdftoppm: undefined };

/** What cannot be done for want of programs. */
export interface MissingPrograms {
  readonly programs: readonly string[];
  /** Of what there are no thumbnails. */
  readonly kinds: readonly string[];
  readonly debianPackage: string;
}

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
  const found = namesOf(programs);
  log.info(
    found.length === 0 ? 'Optional programs: none' : `Optional programs: ${found.join(', ')}; they run ${confinement}`,
  );
  for (const missing of listMissing(families, programs)) {
    const { programs: names, kinds, debianPackage } = missing;
    log.warn(
      `"thumbnails.types" lists what needs ${names.join(' and ')}, which is missing: there are no thumbnails of ${kinds.join(' and ')}. ` +
        `Install it (Debian's package is ${debianPackage}) and start again`,
    );
  }
  return programs;
}

/** As {@link findNeededPrograms}, for those who only want to know. */
export async function findMissingPrograms(
  types: readonly string[],
  searchPath: string,
  signal: AbortSignal,
): Promise<{ readonly found: readonly string[]; readonly missing: readonly MissingPrograms[] }> {
  const families = familiesListedIn(types);
  if (families.length === 0) return { found: [], missing: [] };
  const { programs } = await findPrograms(searchPath, signal);
  return { found: namesOf(programs), missing: listMissing(families, programs) };
}

function namesOf(programs: Programs): string[] {
  return Object.entries(programs).flatMap(([name, program]) => (program ? [`${name} ${program.version}`] : []));
}

function listMissing(families: ReturnType<typeof familiesListedIn>, programs: Programs): MissingPrograms[] {
  const moving = families.filter((family) => family !== 'document');
  const ofMoving = (['ffmpeg', 'ffprobe'] as const).filter((name) => programs[name] === undefined);
  return [
    ...(moving.length > 0 && ofMoving.length > 0
      ? [{ programs: ofMoving, kinds: moving, debianPackage: 'ffmpeg' }]
      : []),
    ...(families.includes('document') && programs.pdftoppm === undefined
      ? [{ programs: ['pdftoppm'], kinds: ['PDF'], debianPackage: 'poppler-utils' }]
      : []),
  ];
}
