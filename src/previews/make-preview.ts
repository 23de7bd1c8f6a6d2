import { MatrixError } from '../matrix/index.ts';
import type { Counts, Log } from '../telemetry/index.ts';
import type { Card } from './card.ts';
import { type Described, describeLink } from './describe-link.ts';
import { createFetcher, type Fetcher } from './fetch/fetcher.ts';
import { NoPreview } from './fetch/no-preview.ts';
import type { LoadProviders } from './oembed/load-providers.ts';
import { type Outbounds, previewLimits } from './outbounds.ts';
import type { PageThread } from './page/page-thread.ts';
import type { Preview, PreviewPicture } from './preview.ts';
import { type PictureParts, type PreviewFor, storePicture } from './store-picture.ts';
import { summarise } from './summarise.ts';

export interface MakePreviewParts extends PictureParts {
  readonly outbounds: Outbounds;
  readonly loadProviders: LoadProviders;
  readonly pages: PageThread;
  readonly log: Log;
  readonly counts?: Pick<Counts, 'previewMade'> | undefined;
}

/** So many candidates are looked at. */
const MAX_PICTURES = 2;
const ACCEPT_PICTURE = 'image/avif, image/webp, image/png, image/jpeg, image/gif, image/*;q=0.5';
/** Of what is no text for people. */
const MAX_URL_LENGTH = 2_000;

/** A preview, and whether another one would most likely be the same in a few minutes. */
export interface Made {
  readonly preview: Preview;
  readonly isLasting: boolean;
}

/** @throws {NoPreview} */
export async function makePreview(
  parts: MakePreviewParts,
  asked: PreviewFor & { readonly link: URL; readonly language: string },
  signal: AbortSignal,
): Promise<Made> {
  const { domain, language, link } = asked;
  const { userAgent, urlDenyList } = domain.urlPreviews;
  const fetch = createFetcher({ outbound: parts.outbounds.of(domain), userAgent, language, denied: urlDenyList });
  const described = await describeLink({ ...parts, fetch }, domain, link, signal);
  parts.counts?.previewMade(described.source);
  const { picture, isLasting } = await findPicture(parts, fetch, asked, described, signal);
  return { preview: { ...shorten(described.card, domain.urlPreviews), picture }, isLasting };
}

/** Of pictures: the one that was found, or that there is none, and whether that is lasting. */
interface Found {
  readonly picture: PreviewPicture | undefined;
  readonly isLasting: boolean;
}

/** A picture that cannot be had is no reason for having no preview. */
async function findPicture(
  parts: MakePreviewParts,
  fetch: Fetcher,
  asked: PreviewFor,
  { card, picture }: Described,
  signal: AbortSignal,
): Promise<Found> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(previewLimits(asked.domain).totalMs)]);
  if (picture !== undefined) {
    return await orNone(parts.log, signal, () => storePicture(parts, asked, picture, limited));
  }
  let isLasting = true;
  for (const url of card.images.slice(0, MAX_PICTURES)) {
    const found = await orNone(parts.log, signal, async () =>
      storePicture(parts, asked, await fetch(url, ACCEPT_PICTURE, limited), limited),
    );
    isLasting &&= found.isLasting;
    if (found.picture !== undefined || limited.aborted) return { ...found, isLasting };
  }
  return { picture: undefined, isLasting };
}

async function orNone(log: Log, signal: AbortSignal, work: () => Promise<PreviewPicture>): Promise<Found> {
  try {
    return { picture: await work(), isLasting: true };
  } catch (error) {
    signal.throwIfAborted();
    const isExpected = error instanceof NoPreview || error instanceof MatrixError || isTimeout(error);
    if (!isExpected) throw error;
    const isOurs = error instanceof MatrixError && error.status >= 500;
    log[isOurs ? 'warn' : 'debug']({ err: error }, 'A preview goes without its picture');
    return { picture: undefined, isLasting: error instanceof NoPreview && error.isLasting }; // a quota is of one user
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}

function shorten(card: Card, options: PreviewFor['domain']['urlPreviews']): Omit<Preview, 'picture'> {
  const title = { maxWords: options.numTitleWords, maxLength: options.maxTitleLength };
  const description = { maxWords: options.numWords, maxLength: options.maxLength };
  return {
    url: card.url.length <= MAX_URL_LENGTH ? card.url : '',
    siteName: summarise(card.siteName, title),
    type: summarise(card.type, title),
    title: summarise(card.title, title),
    description: summarise(card.description, description),
  };
}
