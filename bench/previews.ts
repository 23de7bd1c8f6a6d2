// Link previews: how many a second, with and without what is remembered, what one costs, what memory large pages take, and how
// long other requests wait for pages that are made to be slow.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import sharp from 'sharp';
import { Agent, fetch } from 'undici';
import { makeBenchFolder, SERVER_NAME, TOKEN } from './folder.ts';
import { load } from './load.ts';
import { report } from './report.ts';
import { type BenchService, peakResidentMb, startService } from './service.ts';

/** Of many that ask at once, the last ones wait for all others. */
const PATIENT = new Agent({ headersTimeout: 0, connections: null });
const LANGUAGE = { 'accept-language': 'en' }; // what is remembered, is so by language
const HEADERS = { 'x-forwarded-host': SERVER_NAME, authorization: `Bearer ${TOKEN}`, ...LANGUAGE };
const PAGES = 1_500;
const PAGES_WITH_PICTURES = 200;
const AT_ONCE = 20;
const LARGE = 200;
const LARGE_BYTES = 10_000_000;
const SECONDS = 4;

/** As large sites have it: 100 KB, most of which is no news for a preview. */
const PAGE = `<!doctype html><html><head><meta charset="utf-8"><title>A page</title>
${'<script>window.state = {"a": [1, 2, 3], "b": "<p>"};</script>'.repeat(500)}
<meta property="og:title" content="A page"></head><body><nav>${'<a href="/x">link</a>'.repeat(500)}</nav>
${'<p class="text">What a page says, <b>at length</b> and in paragraphs.</p>'.repeat(700)}</body></html>`;
const PIECE = Buffer.from('<div class="a"><span>junk</span></div>\n'.repeat(1_600));

/** The parser looks through all elements that are open for each that ends. */
const SLOW_PAGE = '<i>'.repeat(490) + '</x>'.repeat(2_500_000);
const SLOW = 4;

/** Each page has a picture of its own, when it has one. */
async function playSite() {
  const picture = await sharp({ create: { width: 1200, height: 630, channels: 3, background: 'teal' } })
    .jpeg()
    .toBuffer();
  const server = createServer(({ url = '' }, response) => {
    if (url.startsWith('/large')) return sendLarge(response);
    if (url.startsWith('/slow')) {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end(SLOW_PAGE);
      return;
    }
    if (url.startsWith('/picture')) {
      response.writeHead(200, { 'content-type': 'image/jpeg' });
      response.end(Buffer.concat([picture, Buffer.from(url)]));
      return;
    }
    const image = url.startsWith('/with') ? `<meta property="og:image" content="/picture${url}">` : '';
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end(image + PAGE);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function sendLarge(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/html' });
  let left = LARGE_BYTES;
  const send = () => {
    for (; left > 0; left -= PIECE.length) if (!response.write(PIECE)) return void response.once('drain', sendNext);
    response.end('<title>large</title>');
  };
  const sendNext = () => {
    left -= PIECE.length;
    send();
  };
  send();
}

/** Seconds of processor time that the process has had; Linux only. */
async function readCpuSeconds(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  const [user = 0, system = 0] = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return (user + system) / 100;
}

function pathOf(link: string): string {
  return `/_matrix/client/v1/media/preview_url?url=${encodeURIComponent(link)}`;
}

await using folder = await makeBenchFolder(() => ({
  urlPreviews: { disallowedNetworks: [] },
  timeouts: { urlPreviewTimeoutSeconds: 60 },
}));
await using site = await playSite();

async function ask(service: BenchService, link: string): Promise<void> {
  const answer = await fetch(service.url + pathOf(link), { headers: HEADERS, dispatcher: PATIENT });
  if (answer.status !== 200) throw new Error(`${link} was answered ${answer.status}: ${await answer.text()}`);
  await answer.arrayBuffer();
}

/** @returns how many a second, and the processor time of each in ms */
async function askAll(service: BenchService, links: readonly string[], atOnce: number) {
  const waiting = [...links];
  const [startedMs, cpuBefore] = [performance.now(), await readCpuSeconds(service.pid)];
  const askOn = async () => {
    for (let link = waiting.pop(); link !== undefined; link = waiting.pop()) await ask(service, link);
  };
  await Promise.all(Array.from({ length: atOnce }, askOn));
  const seconds = (performance.now() - startedMs) / 1000;
  const cpuSeconds = (await readCpuSeconds(service.pid)) - cpuBefore;
  return { perSecond: links.length / seconds, cpuMs: (cpuSeconds * 1000) / links.length };
}

/** What another request waits while the work is done, in the middle of all that are asked one after the other. */
async function waitBeside(service: BenchService, work: Promise<unknown>): Promise<number> {
  let isOver = false;
  const over = work.finally(() => {
    isOver = true;
  });
  const waits: number[] = [];
  while (!isOver) {
    const startedMs = performance.now();
    await (await fetch(`${service.url}/_matrix/client/versions`, { headers: HEADERS })).arrayBuffer();
    waits.push(performance.now() - startedMs);
  }
  await over;
  return waits.sort((a, b) => a - b)[Math.floor(waits.length / 2)] ?? 0;
}

const links = (kind: string, count: number) => Array.from({ length: count }, (_, at) => `${site.url}/${kind}/${at}`);
{
  await using service = await startService(folder.configPath);
  await askAll(service, links('warm', 100), AT_ONCE);
  const fresh = await askAll(service, links('page', PAGES), AT_ONCE);
  report({
    name: 'previews of new pages of 100 KB a second',
    value: fresh.perSecond,
    unit: '/s',
    target: { atLeast: 50 },
  });
  report({ name: 'processor time of one of them', value: fresh.cpuMs, unit: 'ms', target: { atMost: 15 } });
  const pictured = await askAll(service, links('with', PAGES_WITH_PICTURES), AT_ONCE);
  report({
    name: 'the same with a picture each, a second',
    value: pictured.perSecond,
    unit: '/s',
    target: { atLeast: 10 },
  });
  const known = links('page', 200).map(pathOf);
  const remembered = await load(service.url, known, {
    connections: 50,
    seconds: SECONDS,
    status: 200,
    headers: { host: SERVER_NAME, authorization: `Bearer ${TOKEN}`, ...LANGUAGE },
  });
  report({ name: 'previews that are remembered a second', value: remembered, unit: '/s', target: { atLeast: 1000 } });
  const wait = await waitBeside(service, askAll(service, links('slow', SLOW), SLOW));
  report({ name: `wait beside ${SLOW} pages that are slow to read`, value: wait, unit: 'ms', target: { atMost: 20 } });
}
await using service = await startService(folder.configPath);
await askAll(service, links('large', LARGE), LARGE);
report({
  name: `memory, ${LARGE} pages of ${LARGE_BYTES / 1e6} MB asked for at once`,
  value: await peakResidentMb(service.pid),
  unit: 'MB',
  target: { atMost: 300 },
});
