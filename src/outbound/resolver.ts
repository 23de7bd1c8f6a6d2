import { Resolver as DnsResolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { OutboundError } from './errors.ts';
import { findInHosts } from './hosts-file.ts';

/** Where names lead. What it says is not trusted: addresses are checked after it. */
export interface Resolver {
  /**
   * Addresses of either family, at least one.
   * @throws {OutboundError} `name not found`, `lookup failed` or `timeout`
   */
  findAddresses(hostname: string, signal: AbortSignal): Promise<readonly string[]>;
  /**
   * SRV records, in no order; empty when there is none. RFC 2782.
   * @param name such as `_matrix-fed._tcp.example.org`
   * @throws {OutboundError} `lookup failed` or `timeout`
   */
  findServices(name: string, signal: AbortSignal): Promise<readonly ServiceRecord[]>;
}

export interface ServiceRecord {
  /** Without a dot at its end; empty for "there is no such service here". */
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

export interface ResolverOptions {
  /** As `dns.setServers` takes them. Default: those of the system. */
  readonly servers?: readonly string[];
  /** Asked before the name servers. Default: `/etc/hosts`. */
  readonly hostsFile?: string;
  /** For one name server to answer; then the next one is asked. Default: 3 seconds. */
  readonly timeoutMs?: number;
}

type Ask<Answer> = (dns: DnsResolver) => Promise<Answer>;

const ABSENT = /^(ENOTFOUND|ENODATA|EBADNAME)$/;

/**
 * Asks the system's name servers. Not `getaddrinfo`: that blocks one of the few threads that files are read with, for as
 * long as the name servers of a stranger like.
 */
export function createResolver(options: ResolverOptions = {}): Resolver {
  const { servers, hostsFile = '/etc/hosts', timeoutMs = 3_000 } = options;

  const ask = async <Answer>(name: string, question: Ask<Answer[]>, signal: AbortSignal): Promise<Answer[]> => {
    signal.throwIfAborted();
    const dns = new DnsResolver({ timeout: timeoutMs, tries: 2 }); // one a question: `cancel` cancels all of its questions
    if (servers !== undefined) dns.setServers(servers);
    const cancel = () => dns.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return await question(dns);
    } catch (error) {
      signal.throwIfAborted();
      if (ABSENT.test(codeOf(error))) return [];
      throw describeFailure(name, error);
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  };

  return {
    async findAddresses(hostname, signal) {
      const name = hostname.replace(/\.$/, '');
      const known = findInHosts(await readText(hostsFile), name);
      if (known.length > 0) return known;
      if (isLocal(name)) return ['127.0.0.1', '::1'];
      const asked = [ask(name, (dns) => dns.resolve6(name), signal), ask(name, (dns) => dns.resolve4(name), signal)];
      const answers = await Promise.allSettled(asked);
      const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
      if (addresses.length > 0) return addresses;
      for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
      throw new OutboundError('name not found', `${name} has no address`);
    },
    async findServices(name, signal) {
      const records = await ask(name, (dns) => dns.resolveSrv(name), signal);
      return records.map(({ name: target, port, priority, weight }) => {
        return { target: target.replace(/\.$/, ''), port, priority, weight };
      });
    },
  };
}

/** RFC 6761, section 6.3: these names are never asked for. */
function isLocal(name: string): boolean {
  return /(^|\.)localhost$/i.test(name);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return ''; // a machine may do without one
  }
}

function describeFailure(name: string, error: unknown): unknown {
  const code = codeOf(error);
  if (code === 'ETIMEOUT') return new OutboundError('timeout', `The name servers did not answer about ${name}`);
  return code === '' ? error : new OutboundError('lookup failed', `The name servers failed on ${name}: ${code}`);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
