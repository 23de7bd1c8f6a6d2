import { type Static, type TSchema, Type } from 'typebox';
import { accessTokens, admins, sharedSecretAuth } from './sections/access.ts';
import { database } from './sections/database.ts';
import { type datastore, datastores } from './sections/datastores.ts';
import { homeserverFields, homeservers } from './sections/homeservers.ts';
import {
  archiving,
  downloads,
  featureSupport,
  identicons,
  quarantine,
  thumbnails,
  timeouts,
  uploads,
  urlPreviews,
} from './sections/media.ts';
import { federation, metrics, pgo, plugins, rateLimit, redis, sentry, tasks } from './sections/operations.ts';
import { repo } from './sections/repo.ts';

/** Sections that a per-domain file may set as well. */
export const DOMAIN_SECTIONS = {
  accessTokens,
  datastores,
  uploads,
  downloads,
  thumbnails,
  urlPreviews,
  identicons,
  quarantine,
  timeouts,
  archiving,
  featureSupport,
  federation,
} as const satisfies Record<string, TSchema>;

/** Sections of the whole process. */
const PROCESS_SECTIONS = {
  repo,
  database,
  homeservers,
  admins,
  sharedSecretAuth,
  rateLimit,
  metrics,
  redis,
  plugins,
  tasks,
  sentry,
  pgo,
} as const satisfies Record<string, TSchema>;

/** Options below a section that differ by domain in name only: one process has one value. */
export const PROCESS_WIDE_OPTIONS: ReadonlySet<string> = new Set([
  'downloads.maxPerServer',
  'downloads.numWorkers',
  'downloads.expireAfterDays',
  'downloads.failureCacheMinutes',
  'thumbnails.numWorkers',
  'thumbnails.expireAfterDays',
  'thumbnails.tempPath',
  'urlPreviews.numWorkers',
  'urlPreviews.expireAfterDays',
  'archiving.targetBytesPerPart',
  'timeouts.federationTimeoutSeconds',
  'federation.backoffAt',
  'federation.ignoredHosts',
  'federation.disallowedNetworks',
  'federation.allowedNetworks',
  'federation.notaries',
]);

/** Of files without `homeserver`, in the order in which the documentation tells them. */
export const mainSchema = Type.Object({ ...PROCESS_SECTIONS, ...DOMAIN_SECTIONS });

/** Of files with `homeserver`: one domain's own. */
export const domainSchema = Type.Object({
  homeserver: Type.String({ format: 'server-name', description: 'The domain that the file is about.' }),
  ...homeserverFields,
  ...DOMAIN_SECTIONS,
});

type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T;

export type MainConfig = Frozen<Static<typeof mainSchema>>;
export type DatastoreConfig = Frozen<Static<typeof datastore>>;

/** What differs by domain, merged already. */
export type DomainConfig = Frozen<Omit<Static<typeof domainSchema>, 'homeserver'>> & { readonly serverName: string };

/** One checked, deeply frozen state of all files. */
export interface Config extends MainConfig {
  /** By server name, in lower case. */
  readonly domains: ReadonlyMap<string, DomainConfig>;
  /** Of all domains, each ID once: media of one domain may lie where another one writes. */
  readonly allDatastores: readonly DatastoreConfig[];
}
