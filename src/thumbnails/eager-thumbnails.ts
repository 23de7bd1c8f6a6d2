import type { DomainConfig } from '../config/index.ts';
import { formatMxcUri, MatrixError, type MxcUri, Unavailable } from '../matrix/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Method, Size } from './choose-size.ts';
import { FairQueue } from './fair-queue.ts';
import type { Thumbnailers } from './thumbnailer.ts';
import type { Thumbnails } from './thumbnails.ts';

/** Makes the thumbnails of uploads before anybody asks for them, where the domain wants that. Dispose it before the workers. */
export interface EagerThumbnails extends AsyncDisposable {
  /** Returns at once. When too many uploads wait, some of them get their thumbnails when they are asked for. */
  schedule(domain: DomainConfig, uri: MxcUri): void;
}

export interface EagerThumbnailsParts {
  readonly thumbnails: Thumbnails;
  readonly thumbnailer: Pick<Thumbnailers, 'untilFree'>;
  readonly log: Log;
  /** Most uploads that wait. */
  readonly maxWaiting?: number;
}

/** Whoever uploads may see what was uploaded. */
const UPLOADER = { isAuthenticated: true, waitMs: 0 };

/**
 * One thumbnail at a time in the whole process, and each only when a worker is free and no client waits for one. After a
 * stop, what has not been made is not taken up again.
 */
export function createEagerThumbnails(parts: EagerThumbnailsParts): EagerThumbnails {
  const { thumbnails, thumbnailer, log, maxWaiting = 1000 } = parts;
  const waiting = new FairQueue<() => Promise<void>>();
  const stop = new AbortController();
  let working: Promise<void> | undefined;

  const makeAll = async (domain: DomainConfig, uri: MxcUri) => {
    for (const size of domain.thumbnails.sizes) {
      await thumbnailer.untilFree(stop.signal);
      const asked = { uri, size, method: methodOf(size), animated: undefined };
      await using _made = await thumbnails.open(domain, asked, UPLOADER, stop.signal);
    }
  };
  const work = async () => {
    for (let make = waiting.take(); make !== undefined && !stop.signal.aborted; make = waiting.take()) await make();
    working = undefined;
  };
  return {
    schedule(domain, uri) {
      const { serverName, thumbnails: options } = domain;
      if (!options.generateAtUpload || stop.signal.aborted) return;
      if (waiting.size >= maxWaiting && waiting.giveWayTo(serverName) === undefined) return;
      waiting.add(serverName, async () => {
        try {
          await makeAll(domain, uri);
        } catch (error) {
          if (stop.signal.aborted) return;
          // What is no picture, or none that is allowed, is as common as pictures are.
          const level = error instanceof MatrixError && error.status < 500 ? 'debug' : 'warn';
          log[level]({ err: error, uri: formatMxcUri(uri) }, 'An upload goes without thumbnails for now');
        }
      });
      working ??= work();
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new Unavailable('The server is being stopped'));
      await working;
    },
  };
}

/** As in the specification's list of sizes: squares are for avatars, the others for the timeline (TH-7). */
function methodOf({ width, height }: Size): Method {
  return width === height ? 'crop' : 'scale';
}
