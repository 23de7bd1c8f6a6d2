import ipaddr from 'ipaddr.js';
import { type Address, formsOf } from './address-forms.ts';

/** Which networks may be connected to, as `ADDRESS/BITS` or a single address. An empty list checks nothing. */
export interface NetworkRules {
  /** The address has to lie in one of them. */
  readonly allowed: readonly string[];
  /** Neither the address nor an IPv4 address inside of it may lie in one of them. Wins over `allowed`. */
  readonly disallowed: readonly string[];
}

/** Whether an address may be connected to. */
export type AddressCheck = (address: string) => boolean;

type Network = readonly [address: Address, bits: number];

/** @throws {Error} for a text that is no network: a list that is half understood would let everything through */
export function createAddressCheck(rules: NetworkRules): AddressCheck {
  const allowed = rules.allowed.map(parseNetwork);
  const disallowed = rules.disallowed.map(parseNetwork);
  return (text) => {
    const forms = formsOf(text);
    const [address] = forms;
    if (address === undefined) return false;
    if (disallowed.some((network) => forms.some((form) => isInside(form, network)))) return false;
    return allowed.length === 0 || allowed.some((network) => isInside(address, network));
  };
}

/** A network of IPv4 within IPv6 is the one of IPv4, as its addresses are. */
function parseNetwork(text: string): Network {
  const [address, bits] = text.includes('/') ? ipaddr.parseCIDR(text) : wholeOf(ipaddr.parse(text));
  const isMapped = address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= 96;
  return isMapped ? [address.toIPv4Address(), bits - 96] : [address, bits];
}

function wholeOf(address: Address): Network {
  return [address, address.toByteArray().length * 8];
}

function isInside(address: Address, [network, bits]: Network): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}
