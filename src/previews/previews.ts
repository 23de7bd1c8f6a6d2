import { hash } from 'node:crypto';
import { createSingleFlight, type Locks } from '../cluster/index.ts';
import type { Config, DomainConfig } from '../config/index.ts';
import type { Database, UrlPreviewKey } from '../database/index.ts';
import { NotFound } from '../matrix/index.ts';
import type { Media } from '../media/index.ts';
import type { OutboundParts } from '../outbound/index.ts';
import type { Counts, Log } from '../telemetry/index.ts';
import type { Thumbnailers } from '../thumbnails/index.ts';
import { NoPreview } from './fetch/no-preview.ts';
import { makePreview } from './make-preview.ts';
import { createProviderLoader } from './oembed/load-providers.ts';
import { createOutbounds } from './outbounds.ts';
import { createPageThread } from './page/page-thread.ts';
import { parseLink } from './parse-link.ts';
import type { Preview } from './preview.ts';
import type { Outcome } from './preview-rows.ts';
import { createPreviewTurns } from './preview-turns.ts';
import { createRememberedPreviews } from './remembered-previews.ts';

export interface AskedPreview {
  readonly link: string;
  /** When it is wanted from, in milliseconds since 1970; `undefined`: now. A newer one may come. */
  readonly ts: number | undefined;
  /** `Accept-Language` of the client. */
  readonly language: string | undefined;
  /** Whose upload its picture will be, unless somebody asks for the same at this moment. */
  readonly userId: string;
}

export interface Previews {
  /**
   * @throws {BadRequest} for what is no link; {@link NotFound} for one without a preview, whatever the reason
   * @throws {Unavailable} when too many links wait to be looked at
   */
  find(config: Config, domain: DomainConfig, asked: AskedPreview, signal: AbortSignal): Promise<Preview>;
}

export interface PreviewsParts {
  readonly database: Database;
  readonly locks: Locks;
  readonly media: Media;
  readonly thumbnailer: Thumbnailers;
  readonly log: Log;
  readonly counts?: Pick<Counts, 'previewMade'> | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly outbound: OutboundParts;
  /** Whose certificates are good, as PEM. Default: those whom Node trusts. */
  readonly authorities?: readonly string[] | undefined;
}

const HOUR_MS = 3_600_000;
/** So much behind the time of the request, a client still means now. */
const SLACK_MS = 60_000;

/** Dispose it, which closes its connections. */
export function createPreviews(parts: PreviewsParts): Previews & AsyncDisposable {
  const { now, log, authorities } = parts;
  const outbounds = createOutbounds(parts.outbound, authorities === undefined ? {} : { authorities });
  const pages = createPageThread();
  const makeParts = { ...parts, outbounds, pages, loadProviders: createProviderLoader() };
  const remembered = createRememberedPreviews(parts);
  const shareWork = createSingleFlight<Outcome>();
  const turns = createPreviewTurns();

  const make = async (
    asked: Parameters<typeof makePreview>[1],
    signal: AbortSignal,
  ): Promise<{ readonly outcome: Outcome; readonly isLasting: boolean }> => {
    try {
      const { preview, isLasting } = await makePreview(makeParts, asked, signal);
      return { outcome: { preview }, isLasting };
    } catch (error) {
      if (!(error instanceof NoPreview)) throw error;
      signal.throwIfAborted(); // whatever it was, it came of leaving
      log.debug({ err: error }, 'A link has no preview');
      return { outcome: { preview: undefined }, isLasting: error.isLasting };
    }
  };

  /** Once for all who want it, also for those in other processes. */
  const findOrMake = (config: Config, domain: DomainConfig, key: UrlPreviewKey, link: URL, userId: string) => {
    const work = `${domain.serverName} ${key.bucketTs} ${key.language} ${key.url}`;
    const name = `preview-${hash('sha256', work, 'base64url')}`; // links may be long
    return async (signal: AbortSignal): Promise<Outcome> => {
      const known = await remembered.find(config, domain, key);
      if (known !== undefined) return known;
      return await shareWork(name, signal, async (shared) => {
        await using _lock = await parts.locks.acquire(name, shared);
        const made = await remembered.find(config, domain, key);
        if (made !== undefined) return made;
        const asked = { config, domain, userId, link, language: key.language };
        using _turn = await turns.take(userId, config.urlPreviews.numWorkers, shared);
        const { outcome, isLasting } = await make(asked, shared);
        await remembered.keep(config, domain, key, outcome, isLasting);
        return outcome;
      });
    };
  };

  return {
    async find(config, domain, { link: text, ts, language: asked, userId }, signal) {
      const link = parseLink(text);
      const language = readLanguage(asked) ?? domain.urlPreviews.defaultLanguage;
      const nowMs = now();
      const askedMs = Math.min(ts ?? nowMs, nowMs);
      const keyAt = (ms: number) => ({ url: link.href, language, bucketTs: Math.floor(ms / HOUR_MS) * HOUR_MS });
      const isPast = nowMs - askedMs > SLACK_MS && keyAt(askedMs).bucketTs < keyAt(nowMs).bucketTs;
      // A page that is fetched now shows nothing of an hour that is over; one that was not there then may be there now.
      const past = isPast ? await remembered.find(config, domain, keyAt(askedMs)) : undefined;
      const key = keyAt(isPast ? nowMs : askedMs);
      const { preview } = past?.preview ? past : await findOrMake(config, domain, key, link, userId)(signal);
      if (preview === undefined) throw new NotFound('This link has no preview');
      return await withVisiblePicture(parts.media, preview, signal);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([outbounds[Symbol.asyncDispose](), pages[Symbol.asyncDispose]()]);
    },
  };
}

/** It is sent on, so it has to be one. RFC 9110, section 12.5.4. */
function readLanguage(header: string | undefined): string | undefined {
  return header !== undefined && /^[\w\-*,;=. ]{1,200}$/.test(header) ? header : undefined;
}

/** It may have been removed since, or quarantined. */
async function withVisiblePicture(media: Media, preview: Preview, signal: AbortSignal): Promise<Preview> {
  if (preview.picture === undefined) return preview;
  try {
    await media.find(preview.picture.uri, { isAuthenticated: true, waitMs: 0 }, signal);
    return preview;
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
    return { ...preview, picture: undefined };
  }
}
