import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import { createSingleFlight } from '../cluster/index.ts';
import type { DomainConfig } from '../config/index.ts';
import { InternalError } from '../matrix/index.ts';
import { objectInMemory } from '../media/index.ts';
import { chooseSize, type Method, type Size } from './choose-size.ts';
import { drawNotAllowed } from './draw-not-allowed.ts';
import { formatsAllowedBy } from './picture-format.ts';
import type { Thumbnailers } from './thumbnailer.ts';
import type { OpenThumbnail } from './thumbnails.ts';

/** What clients get in place of media that is quarantined. */
export interface QuarantinePictures {
  /** `undefined`: this domain says that there is no such media. @throws {InternalError} for a picture that cannot be used */
  forDownload(domain: DomainConfig, signal: AbortSignal): Promise<OpenThumbnail | undefined>;
  /** As `forDownload`; it is as large as the thumbnail would have been at most. */
  forThumbnail(
    domain: DomainConfig,
    asked: { readonly size: Size; readonly method: Method },
    signal: AbortSignal,
  ): Promise<OpenThumbnail | undefined>;
}

export interface QuarantinePicturesParts {
  readonly thumbnailer: Thumbnailers;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const DOWNLOAD_SIZE: Size = { width: 512, height: 512 };
const MAX_KEPT_BYTES = 8 * 1024 * 1024;
/** So long it takes until a picture is seen that the operator has changed. */
const KEPT_MS = 300_000;
/** The operator's picture is trusted to be one; what a worker may take still bounds it. */
const LIMITS = {
  formats: formatsAllowedBy([
    ...['image/tiff', 'image/svg+xml', 'image/bmp', 'image/x-icon', 'image/vnd.microsoft.icon'],
    ...['image/heic', 'image/heif', 'image/jxl', 'image/apng'],
  ]),
  maxPixels: 100_000_000,
};

export function createQuarantinePictures({ thumbnailer, now }: QuarantinePicturesParts): QuarantinePictures {
  const kept = new LRUCache<string, Picture>({
    maxSize: MAX_KEPT_BYTES,
    sizeCalculation: ({ bytes }) => bytes.length,
    ttl: KEPT_MS,
    ttlResolution: 0,
    perf: { now },
  });
  const shareWork = createSingleFlight<Picture>();

  const make = async (domain: DomainConfig, size: Size, signal: AbortSignal): Promise<Picture> => {
    const path = domain.quarantine.thumbnailPath;
    const source = path === '' ? Buffer.from(drawNotAllowed()) : await readPicture(path, signal);
    try {
      const bytes = await thumbnailer.forDomain(domain.serverName).place(source, { size, ...LIMITS }, signal);
      return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
    } catch (error) {
      if (signal.aborted || path === '') throw error;
      throw unusable(path, error);
    }
  };

  const open = async (domain: DomainConfig, size: Size, signal: AbortSignal): Promise<OpenThumbnail> => {
    const key = `${size.width}x${size.height} ${domain.quarantine.thumbnailPath}`;
    const known = kept.get(key);
    if (known !== undefined) return asThumbnail(known);
    const picture = await shareWork(key, signal, async (shared) => {
      const made = await make(domain, size, shared);
      kept.set(key, made); // once: who asks later does not make it last longer
      return made;
    });
    return asThumbnail(picture);
  };

  return {
    async forDownload(domain, signal) {
      return domain.quarantine.replaceDownloads ? await open(domain, DOWNLOAD_SIZE, signal) : undefined;
    },
    async forThumbnail(domain, { size, method }, signal) {
      const { sizes, dynamicSizing } = domain.thumbnails;
      if (!domain.quarantine.replaceThumbnails) return undefined;
      return await open(domain, chooseSize(size, method, sizes, dynamicSizing), signal);
    },
  };
}

interface Picture {
  readonly bytes: Buffer;
  readonly sha256: string;
}

function asThumbnail({ bytes, sha256 }: Picture): OpenThumbnail {
  const object = objectInMemory(bytes, undefined);
  return {
    contentType: 'image/png',
    sha256,
    object,
    createdTs: undefined,
    again: () => undefined, // the media that it stands for may come back
    [Symbol.asyncDispose]: () => object[Symbol.asyncDispose](),
  };
}

async function readPicture(path: string, signal: AbortSignal): Promise<Buffer> {
  try {
    return await readFile(path, { signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw unusable(path, error);
  }
}

/** Whoever asks for media is told nothing of it; the log tells the operator which option to look at. */
function unusable(path: string, cause: unknown): InternalError {
  return new InternalError({
    cause: new Error(`The picture of quarantine.thumbnailPath, ${path}, cannot be used`, { cause }),
  });
}
