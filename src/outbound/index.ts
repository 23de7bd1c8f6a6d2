export type { Endpoint } from './connect-first.ts';
export type { ConnectionEvent } from './connection-event.ts';
export type { CertificateRules } from './connector.ts';
export { OutboundError, type OutboundTrouble } from './errors.ts';
export type { OutboundAnswer, OutboundCall } from './exchange.ts';
export type { NetworkRules } from './networks.ts';
export {
  type Outbound,
  type OutboundOptions,
  type OutboundParts,
  openOutbound,
  type RedirectedCall,
} from './outbound.ts';
export type { TimeLimits } from './patience.ts';
export { readBody } from './read-body.ts';
export { createResolver, type Resolver, type ResolverOptions, type ServiceRecord } from './resolver.ts';
export type { Target } from './target.ts';
