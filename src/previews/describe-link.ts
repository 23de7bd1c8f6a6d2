import type { DomainConfig } from '../config/index.ts';
import { matchesWildcard } from '../matrix/index.ts';
import type { Log, PreviewSource } from '../telemetry/index.ts';
import type { Card } from './card.ts';
import { readWhole, takeBegin } from './fetch/bounded-body.ts';
import { asNoPreview, type Fetched, type Fetcher } from './fetch/fetcher.ts';
import { NoPreview } from './fetch/no-preview.ts';
import { cardOfOEmbed } from './oembed/card-of-oembed.ts';
import type { LoadProviders } from './oembed/load-providers.ts';
import { cardOfPage } from './page/card-of-page.ts';
import type { PageFacts } from './page/page-facts.ts';
import type { Syntax } from './page/page-reader.ts';
import type { PageThread } from './page/page-thread.ts';
import { createTextReader } from './page/read-text.ts';

export interface DescribeParts {
  readonly fetch: Fetcher;
  readonly loadProviders: LoadProviders;
  readonly pages: PageThread;
  readonly log: Log;
}

export interface Described {
  readonly card: Card;
  readonly source: PreviewSource;
  /** The link itself is a picture, and this is it; its body has to be read or destroyed. */
  readonly picture?: Fetched;
}

const ACCEPT_PAGE = 'text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8';
const ACCEPT_JSON = 'application/json';
const LARGEST_PAGE_BYTES = 10_485_760;
const MAX_OEMBED_BYTES = 256 * 1024;
/** Of a text that is no page. */
const TEXT_BYTES = 8 * 1024;

/**
 * Finds out what is behind a link: by its oEmbed provider where that is wanted and there is one, else by what the link
 * leads to.
 * @throws {NoPreview}
 */
export async function describeLink(
  parts: DescribeParts,
  { urlPreviews }: DomainConfig,
  link: URL,
  signal: AbortSignal,
): Promise<Described> {
  if (urlPreviews.oEmbed) {
    const card = await askProvider(parts, urlPreviews.oEmbedProvidersPath, link, signal);
    if (card !== undefined) return { card, source: 'oembed' };
  }
  const fetched = await parts.fetch(link, ACCEPT_PAGE, signal);
  try {
    const maxBytes = urlPreviews.maxPageSizeBytes > 0 ? urlPreviews.maxPageSizeBytes : LARGEST_PAGE_BYTES;
    switch (kindOf(fetched, urlPreviews.filePreviewTypes)) {
      case 'page': {
        refuseTooLong(fetched, maxBytes);
        const facts = await readPage(parts.pages, fetched, maxBytes);
        const card = cardOfPage(facts, fetched.url);
        const told = urlPreviews.oEmbed ? await askPagesProvider(parts, facts, card, fetched.url, signal) : undefined;
        if (told !== undefined) return { card: told, source: 'oembed' };
        return { card, source: facts.openGraph.has('title') ? 'opengraph' : 'calculated' };
      }
      case 'text':
        refuseTooLong(fetched, maxBytes);
        return { card: { ...cardOfFile(fetched, link), description: await readBegin(fetched) }, source: 'calculated' };
      case 'picture':
        return { card: cardOfFile(fetched, link), source: 'calculated', picture: fetched };
      case 'file':
        fetched.body.destroy();
        return { card: cardOfFile(fetched, link), source: 'calculated' };
      case 'other':
        throw new NoPreview(`What is there has the type ${fetched.contentType}`, true);
    }
  } catch (error) {
    fetched.body.destroy();
    throw asNoPreview(error);
  }
}

function kindOf(
  { contentType }: Fetched,
  fileTypes: readonly string[],
): 'page' | 'text' | 'picture' | 'file' | 'other' {
  if (contentType === '' || /^(text\/(html|xml)|application\/(xhtml\+)?xml|application\/.*\+xml)$/.test(contentType)) {
    return 'page';
  }
  if (/^(text\/.*|application\/(.*\+)?json)$/.test(contentType)) return 'text';
  if (contentType === 'application/pdf') return 'file';
  if (!fileTypes.some((pattern) => matchesWildcard(pattern.toLowerCase(), contentType))) return 'other';
  return contentType.startsWith('image/') ? 'picture' : 'file';
}

function refuseTooLong({ announcedBytes = 0 }: Fetched, maxBytes: number): void {
  if (announcedBytes > maxBytes) throw new NoPreview(`The page has more than ${maxBytes} bytes`, true);
}

/** What came before a page broke off will do, if it had come to its title. */
async function readPage(
  pages: PageThread,
  { body, charset, contentType }: Fetched,
  maxBytes: number,
): Promise<PageFacts> {
  using page = pages.open({ charset, syntax: syntaxOf(contentType) });
  const failure = await takeBegin(body, maxBytes, (piece) => page.write(piece));
  const facts = await page.end();
  if (failure !== undefined && facts.headings.size === 0 && !facts.openGraph.has('title')) throw failure;
  return facts;
}

function syntaxOf(contentType: string): Syntax {
  if (contentType === 'application/xhtml+xml') return 'xhtml';
  return contentType.endsWith('xml') ? 'xml' : 'html';
}

async function readBegin({ body, charset }: Fetched): Promise<string> {
  const reader = createTextReader(charset);
  let begin = '';
  const failure = await takeBegin(body, TEXT_BYTES, (piece) => {
    begin += reader.write(piece);
    return false;
  });
  begin += reader.end();
  if (failure !== undefined && begin === '') throw failure;
  return begin;
}

function cardOfFile({ fileName }: Fetched, link: URL): Card {
  return { url: link.href, siteName: '', type: '', title: fileName || link.href, description: '', images: [] };
}

async function askProvider(
  parts: DescribeParts,
  providersPath: string,
  link: URL,
  signal: AbortSignal,
): Promise<Card | undefined> {
  const providers = await parts.loadProviders(providersPath);
  const found = providers.find(link);
  return found && (await askOEmbed(parts, found.endpoint, link, found.providerName, signal));
}

/** A page that says enough of itself needs nobody to describe it. `undefined`: nobody does. */
async function askPagesProvider(
  parts: DescribeParts,
  facts: PageFacts,
  card: Card,
  url: URL,
  signal: AbortSignal,
): Promise<Card | undefined> {
  const endpoint = facts.oEmbed === undefined ? null : URL.parse(facts.oEmbed, url.href);
  if (facts.openGraph.has('title') || endpoint === null) return undefined;
  const described = await askOEmbed(parts, endpoint, url, card.siteName, signal);
  if (described === undefined) return undefined;
  return {
    url: card.url,
    siteName: described.siteName || card.siteName,
    type: described.type || card.type,
    title: described.title || card.title,
    description: described.description || card.description,
    images: [...described.images, ...card.images],
  };
}

/** A provider that gives no answer is no reason to give none. */
async function askOEmbed(
  { fetch, log }: DescribeParts,
  endpoint: URL,
  link: URL,
  providerName: string,
  signal: AbortSignal,
): Promise<Card | undefined> {
  try {
    const { body } = await fetch(endpoint, ACCEPT_JSON, signal);
    return cardOfOEmbed(new TextDecoder().decode(await readWhole(body, MAX_OEMBED_BYTES)), link, providerName);
  } catch (error) {
    const reason = asNoPreview(error);
    signal.throwIfAborted();
    if (!(reason instanceof NoPreview)) throw reason;
    log.debug({ err: reason }, 'An oEmbed provider could not be asked');
    return undefined;
  }
}
