import type { Places } from './decode.ts';
import type { Place } from './problems.ts';

/** The place of a key, or of the section around it. */
export function placeOf(places: Places, key: string): Place | undefined {
  for (let path = key; ; path = path.replace(/(\.[^.[]*|\[\d+\])$/, '')) {
    const place = places.get(path);
    if (place !== undefined || path === '' || !/[.[]/.test(path)) return place ?? places.get('');
  }
}
