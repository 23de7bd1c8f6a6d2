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
