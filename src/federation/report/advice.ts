import type { OutboundTrouble } from '../../outbound/index.ts';

/** What to do about a place of a server that cannot be asked, by what was in the way. */
export const ADVICE: Readonly<Record<OutboundTrouble, string>> = {
  'name not found': 'The name has neither an A nor an AAAA record. Add one, or name another machine in the delegation.',
  'lookup failed': 'The name servers of this name fail. Look whether they answer, and whether DNSSEC is in order.',
  'forbidden address':
    'All addresses of the name lie in federation.disallowedNetworks, or none lies in federation.allowedNetworks. Change these lists if this server is to be asked; else the name leads into your own network and has to be mended there.',
  refused: 'Nobody listens at this port. Is the server running, and does its proxy listen here? Else delegate.',
  unreachable: 'No way leads to these addresses. With IPv6 addresses: has this machine IPv6?',
  timeout: 'Nothing came in time. A firewall that drops packets is the usual reason; look at both sides.',
  tls: 'The certificate is not for this name, has ended, or is not trusted. It has to be for `expected_name`, with all certificates in between.',
  protocol: 'What listens here does not speak HTTP, or not with TLS.',
  'broken off': 'The connection was closed in the middle. Look at the log of the other server and of its proxy.',
  'bad redirect': 'It redirects too often, or to what is not https.',
  'too large': 'The answer is longer than such an answer can be: this is another program.',
};

export const ADVICE_ON = {
  delegation:
    'Nothing is wrong when the server is meant to be found without a delegation: by its SRV records, or at port 8448 of its name.',
  badDelegation:
    'The document was not understood, so the name itself is asked. It has to be JSON such as {"m.server": "matrix.example.org:443"}.',
  services: 'Name servers that fail count as "no records". Look whether they answer.',
  version: 'Something else answers at this place. Does the proxy there send /_matrix/ to the homeserver?',
  keys: 'What this server signs is refused here until its keys can be had: it gets no media. The homeserver answers for them.',
} as const;
