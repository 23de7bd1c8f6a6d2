import { isDeepStrictEqual } from 'node:util';
import { checkRedis } from './check-redis.ts';
import { findOptionProblems, optionsOf } from './datastore-options.ts';
import { adviceForUnknown, type Given, type Places } from './decode.ts';
import type { GivenDomain } from './given-domain.ts';
import { placeOf } from './place-of.ts';
import type { Findings, Place } from './problems.ts';
import type { Config, DatastoreConfig } from './schema.ts';
import { PLACEHOLDER_SECRETS } from './sections/access.ts';
import { PLACEHOLDER_DSN } from './sections/database.ts';

/** The merged configuration, and what it was made of. */
export interface Merged {
  readonly config: Config;
  readonly given: Given;
  readonly domains: readonly GivenDomain[];
  readonly places: Places;
}

/** What is right key by key and wrong together. */
export function findContradictions(merged: Merged, findings: Findings): void {
  for (const rule of [checkDatabase, checkHomeservers, checkDatastores, checkSecrets, checkPorts, checkRedis])
    rule(merged, findings);
}

function checkDatabase({ config, places }: Merged, findings: Findings): void {
  const { postgres, sqlite } = config.database;
  const hasPostgres = postgres !== PLACEHOLDER_DSN && postgres !== '';
  if (hasPostgres && sqlite !== '') {
    const text = 'database.postgres is set as well; allowed: one of the two';
    findings.refuse(placeOf(places, 'database.sqlite'), 'database.sqlite', text);
  }
  if (!hasPostgres && sqlite === '') {
    const text = 'no database is set; allowed: database.postgres with a connection, or database.sqlite with a file';
    findings.refuse(placeOf(places, 'database'), 'database', text);
  }
}

function checkHomeservers({ config, domains, places }: Merged, findings: Findings): void {
  const seen = new Set<string>();
  for (const [index, { name }] of config.homeservers.entries()) {
    const key = `homeservers[${index}].name`;
    if (name === '')
      findings.refuse(placeOf(places, key), key, 'is missing; allowed: a server name such as example.org');
    if (seen.has(name.toLowerCase())) {
      findings.refuse(placeOf(places, key), key, `"${name}" is in the list already; allowed: each homeserver once`);
    }
    seen.add(name.toLowerCase());
  }
  if (config.domains.size === 0) {
    findings.refuse(
      placeOf(places, 'homeservers'),
      'homeservers',
      'there is none; allowed: a list with at least one homeserver',
    );
  }
  for (const { serverName, csApi } of config.domains.values()) {
    if (csApi !== '' || serverName === '') continue;
    const own = domains.find((domain) => domain.serverName === serverName);
    const index = config.homeservers.findIndex(({ name }) => name === serverName);
    const key = own === undefined ? `homeservers[${index}].csApi` : 'csApi';
    const place = placeOf(own?.places ?? places, key);
    findings.refuse(place, key, `is missing for ${serverName}; allowed: a URL that begins with http:// or https://`);
  }
}

function checkDatastores({ config, domains, places }: Merged, findings: Findings): void {
  checkDatastoreList(config.datastores, places, findings);
  checkKinds(config.datastores, 'datastores', placeOf(places, 'datastores'), findings);
  const first = new Map(config.datastores.map((datastore) => [datastore.id, datastore]));
  for (const { serverName, given, places: own } of domains) {
    if (given['datastores'] === undefined) continue;
    const list = config.domains.get(serverName.toLowerCase())?.datastores ?? [];
    checkDatastoreList(list, own, findings);
    checkKinds(list, `datastores of ${serverName}`, placeOf(own, 'datastores'), findings);
    for (const [index, datastore] of list.entries()) {
      const known = first.get(datastore.id) ?? datastore;
      first.set(datastore.id, known);
      if (known.type === datastore.type && isDeepStrictEqual(known.opts, datastore.opts)) continue;
      const key = `datastores[${index}].id`;
      const text = `"${datastore.id}" is used elsewhere with other options; allowed: one place for each ID`;
      findings.refuse(placeOf(own, key), key, text);
    }
  }
}

function checkDatastoreList(list: readonly DatastoreConfig[], places: Places, findings: Findings): void {
  const seen = new Set<string>();
  for (const [index, { id, type, opts }] of list.entries()) {
    const key = `datastores[${index}]`;
    const refuse = (below: string, text: string) =>
      findings.refuse(placeOf(places, `${key}.${below}`), `${key}.${below}`, text);
    if (id === '') refuse('id', 'is missing; allowed: a text that never changes');
    if (seen.has(id)) refuse('id', `"${id}" is in the list already; allowed: each ID once`);
    seen.add(id);
    if (type === undefined) {
      refuse('type', 'is missing; allowed: "file", "s3"');
      continue;
    }
    const names = Object.keys(optionsOf(type));
    for (const name of Object.keys(opts).filter((given) => !names.includes(given))) {
      const below = `${key}.opts.${name}`;
      findings.warn(placeOf(places, below), below, adviceForUnknown(name, below, names));
    }
    for (const { name, text } of findOptionProblems(type, opts)) {
      const found = name === 'accessKeyId' || name === 'accessSecret' ? 'the value' : `"${opts[name] ?? ''}"`;
      refuse(`opts.${name}`, `${found} cannot be used; allowed: ${text}`);
    }
  }
}

function checkKinds(list: readonly DatastoreConfig[], key: string, place: Place | undefined, findings: Findings): void {
  const taken = new Set(list.flatMap(({ forKinds }) => forKinds));
  const isMissing = (kind: 'local_media' | 'remote_media' | 'thumbnails' | 'archives') =>
    !taken.has('all') && !taken.has(kind);
  for (const kind of (['local_media', 'remote_media', 'thumbnails'] as const).filter(isMissing)) {
    const text = `no datastore takes ${kind}; allowed: at least one with "${kind}" or "all" in its forKinds`;
    findings.refuse(place, key, text);
  }
  if (isMissing('archives')) findings.warn(place, key, 'no datastore takes archives: exports will not work');
}

function checkSecrets({ config, places }: Merged, findings: Findings): void {
  const { enabled, token } = config.sharedSecretAuth;
  if (enabled && PLACEHOLDER_SECRETS.includes(token)) {
    const text = 'the secret of a sample or none is in use; allowed: a long random text of your own';
    findings.refuse(placeOf(places, 'sharedSecretAuth.token'), 'sharedSecretAuth.token', text);
  }
}

function checkPorts({ config, places }: Merged, findings: Findings): void {
  const { metrics, repo } = config;
  if (!metrics.enabled || metrics.port !== repo.port) return;
  if (!overlap(metrics.bindAddress, repo.bindAddress)) return;
  const text = `${metrics.port} is the port of repo.port on the same address; allowed: another one`;
  findings.refuse(placeOf(places, 'metrics.port'), 'metrics.port', text);
}

function overlap(one: string, other: string): boolean {
  const [a, b] = [one, other].map((address) => (address === 'localhost' ? '127.0.0.1' : address));
  return a === b || [a, b].some((address) => address === '' || address === '0.0.0.0' || address === '::');
}
