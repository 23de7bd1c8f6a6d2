import { createHash, randomBytes, randomInt } from 'node:crypto';
import { makePng } from './pictures.ts';
import { ask, pathOf } from './service.ts';

/** Clients that upload, download and ask for thumbnails, one request after the other, until they are stopped. */
export interface MixedLoad {
  /** Each `content_uri` that was answered, with the SHA-256 of what was uploaded. */
  readonly answered: ReadonlyMap<string, string>;
  /** How many answers had each status; 0: the connection broke, or none came about. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Answers of 200 that had other bytes than they should. */
  readonly wrong: readonly string[];
  /** Resolves when so many more answers with this status have come. */
  more(answers: number, status?: number): Promise<void>;
  stop(): Promise<void>;
}

const CLIENTS = 6;
/** Of a few contents, so that the same comes to several processes at once. */
const SHARED = Array.from({ length: 4 }, (_, index) => Buffer.alloc(20_000, index));

/** @param urls of the services, read for each request */
export async function startMixedLoad(urls: () => readonly string[]): Promise<MixedLoad> {
  const picture = await makePng({ width: 120, height: 90 });
  const answered = new Map<string, string>();
  const pictures: string[] = [];
  const statuses = new Map<number, number>();
  const wrong: string[] = [];
  const waiting = new Set<() => void>();
  let isStopped = false;

  const anyUrl = () => urls()[randomInt(urls().length)] ?? '';
  const upload = async () => {
    const isPicture = randomInt(5) === 0;
    const isShared = randomInt(4) === 0;
    const other = isShared ? SHARED[randomInt(SHARED.length)] : randomBytes(randomInt(1, 200_000));
    const bytes = isPicture || other === undefined ? picture : other;
    const answer = await ask(anyUrl(), `/_matrix/media/v3/upload?filename=${randomInt(1_000_000)}`, {
      method: 'POST',
      headers: { 'content-type': isPicture ? 'image/png' : 'application/octet-stream' },
      body: new Uint8Array(bytes),
    });
    const { content_uri } = (await answer.json()) as { content_uri?: string };
    if (content_uri !== undefined) {
      answered.set(content_uri, sha256Of(bytes));
      if (isPicture) pictures.push(content_uri);
    }
    return answer.status;
  };
  const download = async () => {
    const uris = [...answered.keys()];
    const uri = uris[randomInt(uris.length)] ?? '';
    const { status, sha256 } = await downloadFrom(anyUrl(), uri);
    if (status === 200 && sha256 !== answered.get(uri)) wrong.push(uri);
    return status;
  };
  const thumbnail = async () => {
    const uri = pictures[randomInt(pictures.length)] ?? '';
    const answer = await ask(anyUrl(), `${pathOf(uri, 'thumbnail')}?width=32&height=32&method=crop`);
    await answer.arrayBuffer();
    return answer.status;
  };
  const askAgainAndAgain = async () => {
    while (!isStopped) {
      const drawn = randomInt(10);
      const request = drawn < 2 && pictures.length > 0 ? thumbnail : drawn < 5 && answered.size > 0 ? download : upload;
      const status = await request().catch(() => 0);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      for (const look of [...waiting]) look();
    }
  };
  const clients = Array.from({ length: CLIENTS }, askAgainAndAgain);
  return {
    answered,
    statuses,
    wrong,
    async more(answers, status = 200) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const due = (statuses.get(status) ?? 0) + answers;
      const look = () => (statuses.get(status) ?? 0) >= due && resolve();
      waiting.add(look);
      await promise;
      waiting.delete(look);
    },
    async stop() {
      isStopped = true;
      await Promise.all(clients);
    },
  };
}

/** What of all that was answered is not there, or is something else. */
export async function findLost(url: string, answered: ReadonlyMap<string, string>): Promise<string[]> {
  const lost: string[] = [];
  for (const [uri, due] of answered) {
    const { status, sha256 } = await downloadFrom(url, uri);
    if (status !== 200 || sha256 !== due) lost.push(`${uri}: ${status}`);
  }
  return lost;
}

async function downloadFrom(url: string, uri: string): Promise<{ readonly status: number; readonly sha256: string }> {
  const answer = await ask(url, pathOf(uri));
  return { status: answer.status, sha256: sha256Of(Buffer.from(await answer.arrayBuffer())) };
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
