import { dirname, resolve } from 'node:path';
import type { YAMLMap } from 'yaml';
import { findContradictions } from './contradictions.ts';
import { decodeFile, type Given, type Places, withDefaults } from './decode.ts';
import type { GivenDomain } from './given-domain.ts';
import { freezeDeep, mergeDeep } from './merge.ts';
import { type ConfigWarning, Findings } from './problems.ts';
import { type ConfigFile, readConfigFiles } from './read-files.ts';
import {
  type Config,
  type DatastoreConfig,
  DOMAIN_SECTIONS,
  type DomainConfig,
  domainSchema,
  type MainConfig,
  mainSchema,
} from './schema.ts';
import { homeserverFields } from './sections/homeservers.ts';
import { listWithoutEffect } from './without-effect.ts';

export interface LoadedConfig {
  readonly config: Config;
  readonly warnings: readonly ConfigWarning[];
  /** Absolute paths of what was read, in the order in which they were applied. */
  readonly files: readonly string[];
  /** Keys that the operator has set and that nothing acts on in this version. */
  readonly withoutEffect: readonly string[];
}

/**
 * Reads the file, or the files of the folder, and makes one configuration of them: defaults, then each file in order,
 * then the domain's own files, key by key.
 * @throws {ConfigError} with every problem there is
 */
export async function loadConfig(path: string): Promise<LoadedConfig> {
  const findings = new Findings();
  const files = await readConfigFiles(path, findings);
  const places: Places = new Map();
  let given: Given = {};
  const domains: GivenDomain[] = [];
  for (const file of files) {
    if (isDomainFile(file.root)) domains.push(readDomainFile(file, findings));
    else given = mergeDeep(given, withResolvedPaths(decodeFile(mainSchema, file, findings, places), file));
  }
  findings.throwIfAny();
  const main = withDefaults(mainSchema, given) as MainConfig; // decoded by the schema that the type is made of
  const config: Config = {
    ...main,
    domains: joinDomains(main, domains),
    allDatastores: [],
  };
  const whole = { ...config, allDatastores: uniteDatastores(config) };
  findContradictions({ config: whole, given, domains, places }, findings);
  findings.throwIfAny();
  return {
    config: freezeDeep(whole),
    warnings: findings.warnings,
    files: files.map((file) => file.path),
    withoutEffect: listWithoutEffect(given, domains),
  };
}

/** What is in force where nobody has configured anything; there is no homeserver and no datastore in it. */
export function defaultConfig(): MainConfig {
  return freezeDeep(withDefaults(mainSchema, {}) as MainConfig); // as in `loadConfig`
}

function isDomainFile(root: YAMLMap): boolean {
  return typeof root.get('homeserver') === 'string';
}

function readDomainFile(file: ConfigFile, findings: Findings): GivenDomain {
  const places: Places = new Map();
  const { homeserver, ...given } = decodeFile(domainSchema, file, findings, places);
  return { serverName: String(homeserver ?? ''), given, places };
}

/** `database.sqlite` starts at the file that names it, wherever the process was started. */
function withResolvedPaths(given: Given, file: ConfigFile): Given {
  const sqlite = (given['database'] as Given | undefined)?.['sqlite']; // a section, when it is given
  if (typeof sqlite !== 'string' || sqlite === '' || sqlite === ':memory:') return given;
  return mergeDeep(given, { database: { sqlite: resolve(dirname(file.path), sqlite) } });
}

function joinDomains(main: MainConfig, files: readonly GivenDomain[]): Map<string, DomainConfig> {
  const sections = Object.fromEntries(
    Object.keys(DOMAIN_SECTIONS).map((name) => [name, main[name as keyof typeof DOMAIN_SECTIONS]]),
  );
  const domains = new Map<string, DomainConfig>();
  const set = (serverName: string, own: Given) => {
    const key = serverName.toLowerCase();
    const base = domains.get(key) ?? { ...homeserverDefaults(), ...sections, serverName };
    domains.set(key, mergeDeep(base, own) as DomainConfig); // by the schema that the type is made of
  };
  for (const { name, ...fields } of main.homeservers) set(name, fields);
  for (const { serverName, given } of files) set(serverName, given);
  return domains;
}

function homeserverDefaults(): Given {
  return Object.fromEntries(
    Object.entries(homeserverFields).map(([name, schema]) => [name, withDefaults(schema, undefined)]),
  );
}

/** Every datastore by its ID, the first with an ID counts. */
function uniteDatastores(config: Config): DatastoreConfig[] {
  const lists = [config.datastores, ...[...config.domains.values()].map((domain) => domain.datastores)];
  const byId = new Map<string, DatastoreConfig>();
  for (const datastore of lists.flat()) if (!byId.has(datastore.id)) byId.set(datastore.id, datastore);
  return [...byId.values()];
}
