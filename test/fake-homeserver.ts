import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** Played as real homeservers answer `whoami` for such an account. */
export type Account =
  | 'user'
  | 'guest'
  /** A guest at a homeserver that has the flag under the name of its proposal only. */
  | 'guest by msc3069'
  | 'locked'
  | 'suspended'
  | 'deactivated'
  | 'softly logged out'
  | 'rate limited';

/** What a homeserver in trouble does, whatever it is asked. */
export type Trouble =
  /** Takes the request and never answers. */
  | 'silent'
  /** Sends the head and half of the body, then nothing. */
  | 'stalled'
  /** Sends half of the body and closes the connection. */
  | 'broken off'
  /** Closes the connection instead of answering. */
  | 'hangs up'
  /** Status 500 with a Matrix body. */
  | 'internal error'
  /** Status 502 with a page, as a proxy before it would. */
  | 'bad gateway'
  /** Status 401 with a page. */
  | 'refusal without json'
  /** Status 200, no JSON. */
  | 'garbage'
  /** Bytes that are not HTTP. */
  | 'not http'
  /** Status 200, a JSON object of 10 MB. */
  | 'huge'
  /** Status 302 to `/elsewhere` on the same server, which would answer well. */
  | 'redirect';

/** One answer, as it goes out. */
export interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request as it came in. */
export interface SeenRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

/**
 * A homeserver on a real port of this machine, with the accounts that a test gives it. It knows
 * `GET /_matrix/client/v3/account/whoami`, `GET /_matrix/client/versions` and both ways to log out, and answers
 * `M_UNRECOGNIZED` to all else.
 */
export interface FakeHomeserver extends AsyncDisposable {
  readonly serverName: string;
  /** For `csApi`; with the base path, without a slash at its end. */
  readonly url: string;
  readonly port: number;
  /** All requests so far, oldest first. */
  readonly requests: readonly SeenRequest[];
  /** @returns the access token of that device, the same for the same localpart at every homeserver */
  addUser(localpart: string, account?: Account, device?: string): string;
  /**
   * @param userRegex whom it may act as, matched on the whole user ID
   * @param devices the IDs that any of these users' devices have
   * @returns its token
   */
  addAppservice(senderLocalpart: string, userRegex: RegExp, devices?: readonly string[]): string;
  /** From now on, requests with this token are answered so. */
  answer(token: string, reply: Reply): void;
  /** From now on, or for so many requests, it is in trouble; `undefined` ends that. */
  suffer(trouble: Trouble | undefined, times?: number): void;
}

export interface FakeHomeserverOptions {
  /** Default: `example.org`. */
  readonly serverName?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Under which its endpoints are, such as `/base`. Default: none. */
  readonly basePath?: string;
}

type Answerer = (query: URLSearchParams) => Reply;

const WHOAMI = '/_matrix/client/v3/account/whoami';
const VERSIONS = '/_matrix/client/versions';
const LOGOUT = '/_matrix/client/v3/logout';
/** What the played homeserver supports. */
const SUPPORTED = { versions: ['v1.1', 'v1.10'], unstable_features: { 'org.example.feature': true } };

/** Dispose of it (`await using`) to close the port; waiting requests are cut off. */
export async function startFakeHomeserver(options: FakeHomeserverOptions = {}): Promise<FakeHomeserver> {
  const { serverName = 'example.org', basePath = '' } = options;
  const answerers = new Map<string, Answerer>();
  const requests: SeenRequest[] = [];
  let troubles: { readonly trouble: Trouble; left: number } | undefined;

  const server = createServer((request, response) => {
    const { pathname: path, searchParams: query } = new URL(request.url ?? '/', 'http://fake');
    requests.push({ method: request.method ?? '', path, query, headers: request.headers });
    if (troubles !== undefined && troubles.left > 0 && path !== '/elsewhere') {
      troubles.left -= 1;
      return play(troubles.trouble, response);
    }
    send(response, answerTo(request, path, query));
  });
  const port = await listen(server, options.port ?? 0);

  function answerTo({ method, headers }: IncomingMessage, whole: string, query: URLSearchParams): Reply {
    const path = whole.startsWith(basePath) ? whole.slice(basePath.length) : undefined;
    if (method === 'GET' && (path === WHOAMI || whole === '/elsewhere')) return answerWhoami(answerers, headers, query);
    if (method === 'GET' && path === VERSIONS) return { status: 200, body: SUPPORTED };
    if (method !== 'POST' || (path !== LOGOUT && path !== `${LOGOUT}/all`)) return refuse(404, 'M_UNRECOGNIZED');
    const token = tokenOf(headers);
    if (token === undefined || !answerers.has(token)) return refuse(401, 'M_UNKNOWN_TOKEN', { soft_logout: false });
    const [user = token] = token.split('_on_');
    for (const other of [...answerers.keys()]) {
      if (other === token || (path !== LOGOUT && other.split('_on_')[0] === user)) answerers.delete(other);
    }
    return { status: 200, body: {} };
  }

  return {
    serverName,
    url: `http://127.0.0.1:${port}${basePath}`,
    port,
    requests,
    addUser(localpart, account = 'user', device) {
      const token = `token_of_${localpart}${device === undefined ? '' : `_on_${device}`}`;
      const reply = replyFor(account, `@${localpart}:${serverName}`);
      answerers.set(token, () => reply);
      return token;
    },
    addAppservice(senderLocalpart, userRegex, devices = []) {
      const token = `as_token_of_${senderLocalpart}`;
      const namespace = new RegExp(`^(?:${userRegex.source})$`, userRegex.flags);
      answerers.set(token, (query) => answerAppservice(`@${senderLocalpart}:${serverName}`, namespace, devices, query));
      return token;
    },
    answer(token, reply) {
      answerers.set(token, () => reply);
    },
    suffer(trouble, times = Number.POSITIVE_INFINITY) {
      troubles = trouble && { trouble, left: times };
    },
    async [Symbol.asyncDispose]() {
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      await closed;
    },
  };
}

function tokenOf(headers: IncomingHttpHeaders): string | undefined {
  return /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
}

function answerWhoami(answerers: ReadonlyMap<string, Answerer>, headers: IncomingHttpHeaders, query: URLSearchParams) {
  const token = tokenOf(headers);
  if (token === undefined) return refuse(401, 'M_MISSING_TOKEN');
  return answerers.get(token)?.(query) ?? refuse(401, 'M_UNKNOWN_TOKEN', { soft_logout: false });
}

function replyFor(account: Account, userId: string): Reply {
  switch (account) {
    case 'user':
      return { status: 200, body: { user_id: userId, device_id: 'DEVICE', is_guest: false } };
    case 'guest':
      return { status: 200, body: { user_id: userId, device_id: 'DEVICE', is_guest: true } };
    case 'guest by msc3069':
      return { status: 200, body: { user_id: userId, 'org.matrix.msc3069.is_guest': true } };
    case 'locked':
      return refuse(401, 'M_USER_LOCKED', { soft_logout: true });
    case 'suspended':
      return refuse(403, 'M_USER_SUSPENDED');
    case 'deactivated':
      return refuse(403, 'M_USER_DEACTIVATED');
    case 'softly logged out':
      return refuse(401, 'M_UNKNOWN_TOKEN', { soft_logout: true });
    case 'rate limited':
      return { ...refuse(429, 'M_LIMIT_EXCEEDED', { retry_after_ms: 2500 }), headers: { 'retry-after': '3' } };
    default:
      return account satisfies never;
  }
}

function answerAppservice(
  sender: string,
  namespace: RegExp,
  devices: readonly string[],
  query: URLSearchParams,
): Reply {
  const userId = query.get('user_id') ?? sender;
  if (userId !== sender && !namespace.test(userId)) return refuse(403, 'M_FORBIDDEN');
  const deviceId = query.get('device_id');
  if (deviceId !== null && !devices.includes(deviceId)) return refuse(400, 'M_UNKNOWN_DEVICE');
  return { status: 200, body: { user_id: userId, ...(deviceId !== null && { device_id: deviceId }) } };
}

function refuse(status: number, errcode: string, extra: Readonly<Record<string, unknown>> = {}): Reply {
  return { status, body: { errcode, error: `The homeserver says ${errcode}`, ...extra } };
}

function send(response: ServerResponse, { status, body, headers }: Reply): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

function play(trouble: Trouble, response: ServerResponse): void {
  const half = () => response.writeHead(200, { 'content-length': '100' }).write('{"user_id":');
  const page = (status: number) => response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>Sorry</h1>');
  switch (trouble) {
    case 'silent':
      return;
    case 'stalled':
      half();
      return;
    case 'broken off':
      half();
      response.socket?.end();
      return;
    case 'hangs up':
      response.socket?.end();
      return;
    case 'internal error':
      send(response, refuse(500, 'M_UNKNOWN'));
      return;
    case 'bad gateway':
      page(502);
      return;
    case 'refusal without json':
      page(401);
      return;
    case 'garbage':
      page(200);
      return;
    case 'not http':
      response.socket?.end('SSH-2.0-Fake\r\n');
      return;
    case 'huge':
      send(response, { status: 200, body: { user_id: 'a'.repeat(10_000_000) } });
      return;
    case 'redirect':
      response.writeHead(302, { location: '/elsewhere' }).end();
      return;
    default:
      trouble satisfies never;
  }
}

async function listen(server: Server, port: number): Promise<number> {
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, '127.0.0.1', resolve);
  await listening;
  return (server.address() as AddressInfo).port; // a server on TCP that listens has one
}
