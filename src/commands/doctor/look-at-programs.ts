import type { Config } from '../../config/index.ts';
import { findMissingPrograms } from '../../thumbnails/index.ts';
import { type Diagnosis, ok, warning } from './diagnosis.ts';

const PART = 'programs';

/** Those that the listed types of thumbnails need. */
export async function lookAtPrograms(
  { domains }: Config,
  searchPath: string,
  signal: AbortSignal,
): Promise<Diagnosis[]> {
  const types = [...domains.values()].flatMap(({ thumbnails }) => thumbnails.types);
  const { found, missing } = await findMissingPrograms(types, searchPath, signal);
  return [
    ...(found.length > 0 ? [ok(PART, found.join(', '))] : []),
    ...missing.map(({ programs, kinds, debianPackage }) =>
      warning(
        PART,
        `${programs.join(' and ')} missing: there are no thumbnails of ${kinds.join(' and ')}`,
        `Install it (Debian's package is ${debianPackage}), or take these types out of thumbnails.types.`,
      ),
    ),
  ];
}
