import type { IncomingMessage } from 'node:http';
import { BadRequest, type MatrixError, NotSupported } from '../matrix/index.ts';
import { authorityOf } from './request-target.ts';

/** What RFC 9110, section 7.2 has no place for in a `Host`, and what would make two hosts of one. */
const NO_HOST = /[\s/\\?#@,]/;

/**
 * What makes a request ambiguous although Node's parser has taken it: a proxy that reads it in another way would see
 * another host in it, or another end of it, and its next request could be the invention of somebody else. The connection
 * must not go on after that. RFC 9112, sections 2.3, 3.2, 3.2.2 and 6.1.
 * @param target of the request, as it was sent
 */
export function findAmbiguity(
  { httpVersion, headers, rawHeaders }: Pick<IncomingMessage, 'httpVersion' | 'headers' | 'rawHeaders'>,
  target: string,
): MatrixError | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return new NotSupported(505, 'This is no version of HTTP/1');
  const hosts = countHosts(rawHeaders);
  if (hosts > 1) return new BadRequest('The request has more than one "Host" header');
  if (hosts === 0 && httpVersion === '1.1') return new BadRequest('The request has no "Host" header');
  const host = headers.host ?? '';
  if (NO_HOST.test(host)) return new BadRequest('The "Host" header does not name a host');
  const authority = target.startsWith('/') ? undefined : authorityOf(target);
  if (authority !== undefined && authority.toLowerCase() !== host.toLowerCase()) {
    return new BadRequest('The request names one host in its first line and another one in its "Host" header');
  }
  const coding = headers['transfer-encoding'];
  if (coding === undefined) return undefined;
  if (httpVersion === '1.0') return new BadRequest('A body in chunks needs HTTP/1.1');
  if (coding.toLowerCase() === 'chunked') return undefined;
  return new NotSupported(501, 'Of the transfer codings only "chunked" is known here');
}

/** Node keeps the first and throws the others away. */
function countHosts(rawHeaders: readonly string[]): number {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts;
}
