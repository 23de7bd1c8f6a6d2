import { makeRgbProfile } from '../make-rgb-profile.ts';
import type { Pixels } from '../pixels.ts';
import type { HeifMemory } from './heif-memory.ts';
import type { Libheif } from './libheif.ts';

/** Four letters as a number, as libheif has the kinds of profiles. */
const kind = (letters: string) => Buffer.from(letters, 'latin1').readUInt32BE();
const ICC_KINDS: readonly number[] = [kind('prof'), kind('rICC')];
const NUMBERED = kind('nclx');

/** By the number that video formats have for it. ITU-T H.273, tables 2 and 3 */
const WIDE_PRIMARIES: Readonly<Record<number, 'bt2020' | 'p3'>> = { 9: 'bt2020', 12: 'p3' };
const HDR_CURVES: readonly number[] = [16, 18];

/**
 * The colours that the numbers of a picture stand for, where they are not sRGB. Those of high dynamic range are taken for
 * ordinary ones.
 */
export function findColourProfile(heif: Libheif, memory: HeifMemory, handle: number): Pick<Pixels, 'profile'> {
  const found = heif._heif_image_handle_get_color_profile_type(handle) >>> 0;
  if (ICC_KINDS.includes(found)) {
    const bytes = heif._heif_image_handle_get_raw_color_profile_size(handle);
    const place = memory.put(Buffer.alloc(bytes));
    memory.check((error) => heif._heif_image_handle_get_raw_color_profile(error, handle, place));
    const profile = memory.get(place, bytes);
    return isForRgb(profile) ? { profile } : {};
  }
  if (found !== NUMBERED) return {};
  const place = memory.take((error, result) => heif._heif_image_handle_get_nclx_color_profile(error, handle, result));
  const [primaries, curve] = [memory.readUInt32(place + 4), memory.readUInt32(place + 8)];
  const wide = HDR_CURVES.includes(curve) ? undefined : WIDE_PRIMARIES[primaries];
  return wide === undefined ? {} : { profile: makeRgbProfile(wide) };
}

/** Grey pictures may have profiles for grey, but come as RGB. */
function isForRgb(profile: Buffer): boolean {
  return profile.toString('latin1', 16, 20) === 'RGB ';
}
