import type { Redirect } from './datastore.ts';

/** To whoever shows all objects to everybody. @param publicBaseUrl ends with a slash; empty: there is nobody */
export function redirectBelow(publicBaseUrl: string, location: string, isPreferred: boolean): Redirect | undefined {
  if (publicBaseUrl === '') return undefined;
  return { isPreferred, url: async () => publicBaseUrl + location };
}
