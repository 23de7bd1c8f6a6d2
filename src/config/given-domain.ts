import type { Given, Places } from './decode.ts';

/** What the files say of one domain, and where. */
export interface GivenDomain {
  readonly serverName: string;
  readonly given: Given;
  readonly places: Places;
}
