/** Where the bucket is, as far as the names of the known providers tell it. */
function regionInEndpoint(endpoint: string): string | undefined {
  const host = endpoint.replace(/:\d+$/, '').toLowerCase();
  const amazon = /(?:^|\.)s3[.-](?:dualstack\.|fips\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?$/.exec(host);
  const scaleway = /^s3\.([a-z]{2}-[a-z]{3})\.scw\.cloud$/.exec(host);
  const spaces = /^([a-z]{3}\d)\.digitaloceanspaces\.com$/.exec(host);
  return (amazon ?? scaleway ?? spaces)?.[1];
}

/** What a service says that has been asked in the name of another region. */
function regionInError(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { Region, $response } = error as { readonly Region?: unknown; readonly $response?: unknown };
  const headers = ($response as { readonly headers?: Readonly<Record<string, string>> } | undefined)?.headers;
  const named = Region ?? headers?.['x-amz-bucket-region'];
  return typeof named === 'string' && /^[a-z\d-]{1,40}$/i.test(named) ? named : undefined;
}

/** Providers whose buckets have names of their own in the DNS. */
const WITH_VIRTUAL_HOSTS = /(^|\.)(amazonaws\.com(\.cn)?|storage\.googleapis\.com|aliyuncs\.com)(:\d+)?$/i;

/** Whether the bucket's name goes behind the host. A name with a dot has no certificate in front of it. */
export function wantsPathStyle(
  style: 'auto' | 'path' | 'virtualHost',
  endpoint: string,
  bucketName: string,
  ssl: boolean,
): boolean {
  if (style !== 'auto') return style === 'path';
  return !WITH_VIRTUAL_HOSTS.test(endpoint) || (ssl && bucketName.includes('.'));
}

/** The region that a bucket is asked in, shared by those who ask. */
export interface Region {
  /** A guess, as long as it is not known. */
  readonly name: string;
  readonly isKnown: boolean;
  /** What was answered in its name was an answer. */
  confirm(): void;
  /** @returns whether that is news, and may be believed */
  learn(error: unknown): boolean;
}

const GUESS = 'us-east-1';

/** @param configured empty: as the endpoint says */
export function createRegion(configured: string, endpoint: string): Region {
  const first = configured || regionInEndpoint(endpoint);
  let [name, isKnown] = [first ?? GUESS, first !== undefined];
  return {
    get name() {
      return name;
    },
    get isKnown() {
      return isKnown;
    },
    confirm() {
      isKnown = true;
    },
    learn(error) {
      const right = configured === '' ? regionInError(error) : undefined;
      if (right === undefined || right === name) return false;
      [name, isKnown] = [right, true];
      return true;
    },
  };
}
