export { type DevelopmentSwitches, readDevelopmentSwitches } from './development-switches.ts';
export type { Discover } from './discovery.ts';
export {
  createFederation,
  type Federation,
  type FederationCall,
  type FederationParts,
  type Sign,
} from './federation.ts';
export { federationLimits } from './limits.ts';
export { formatKeyFile, KEY_FILE_FORMATS, type KeyFile, type KeyFileFormat } from './key-files/key-file.ts';
export { KeyFileProblem } from './key-files/key-file-problem.ts';
export { readKeyFile } from './key-files/read-key-file.ts';
export { generateSigningKey, publicTextOf, type SigningKey } from './signing-key.ts';
