export { type DevelopmentSwitches, readDevelopmentSwitches } from './development-switches.ts';
export type { Discover } from './discovery.ts';
export {
  createFederation,
  type Federation,
  type FederationCall,
  type FederationParts,
  type Sign,
} from './federation.ts';
export { createGetJson, createPostJson } from './get-json.ts';
export { formatKeyFile, KEY_FILE_FORMATS, type KeyFile, type KeyFileFormat } from './key-files/key-file.ts';
export { KeyFileProblem } from './key-files/key-file-problem.ts';
export { readKeyFile } from './key-files/read-key-file.ts';
export type { KeyId } from './key-id.ts';
export { federationLimits } from './limits.ts';
export { loadSigningKeys, type SigningDomain } from './load-signing-keys.ts';
export type { GetJson, PostJson } from './notaries.ts';
export { type PublishedKeysParts, warnOfUnpublishedKeys } from './published-keys.ts';
export { createRemoteKeys, type RemoteKeys, type RemoteKeysParts } from './remote-keys.ts';
export { createFetchRemote, type FetchRemote, type IncomingMedia, type RemoteMediaParts } from './remote-media.ts';
export type { ReportStep } from './report/report-step.ts';
export { createServerReports, type ReportServer, type ServerReport } from './report/server-report.ts';
export { isServerAllowed, type ServerLists } from './server-lists.ts';
export { type JsonObject, signJson } from './sign-json.ts';
export { type SignedRequest, signRequest } from './sign-request.ts';
export { generateSigningKey, publicTextOf, type SigningKey } from './signing-key.ts';
export {
  createRequestVerifier,
  type ReceivedRequest,
  type RequestVerifierParts,
  type VerifiedRequest,
  type VerifyRequest,
} from './verify-request.ts';
