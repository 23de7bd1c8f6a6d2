export { readS3Options, type S3Options } from './datastore-options.ts';
export { describeConfig } from './describe-config.ts';
export { type Environment, findConfigPath, readEnvironment } from './find-config.ts';
export { defaultConfig, type LoadedConfig, loadConfig } from './load-config.ts';
export { renderConfigurationPage } from './page.ts';
export { ConfigError, formatProblem } from './problems.ts';
export { writeSampleConfig } from './sample.ts';
export type { Config, DatastoreConfig, DomainConfig } from './schema.ts';
