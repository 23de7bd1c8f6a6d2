import { Worker } from 'node:worker_threads';
import { NoPreview } from '../fetch/no-preview.ts';
import type { PageFacts } from './page-facts.ts';
import type { PageAnswer, PageKind, PageMessage } from './page-messages.ts';

/**
 * Reads pages in a thread of its own, however many at once, so that a page that is made to be slow keeps nobody waiting but
 * other previews. The thread starts with the first page. Dispose it.
 */
export interface PageThread extends AsyncDisposable {
  open(kind: PageKind): OpenPage;
}

/**
 * A page that is being read. Dispose it.
 * All reject with {@link NoPreview} when the thread has ended over it, or over another one.
 */
export interface OpenPage extends Disposable {
  /** @returns whether nothing that comes now would change anything. The next piece has to wait for that */
  write(piece: Uint8Array): Promise<boolean>;
  end(): Promise<PageFacts>;
}

/** What a page keeps is bounded; a thread with more than that is ended, and the next page gets another one. */
const LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 };
/** A piece takes milliseconds. */
const STUCK_MS = 20_000;

/** @param stuckMs after that without any answer the thread is ended */
export function createPageThread(stuckMs = STUCK_MS): PageThread {
  let thread: Thread | undefined;
  let lastPage = 0;
  const current = () => {
    if (thread === undefined || thread.hasEnded) thread = new Thread(stuckMs);
    return thread;
  };
  return {
    open(of) {
      const own = current();
      lastPage += 1;
      const page = lastPage;
      return {
        async write(piece) {
          const bytes = new Uint8Array(piece); // a piece of a larger buffer would take all of that along
          const answer = await own.ask({ kind: 'piece', page, of, bytes }, [bytes.buffer]);
          return answer.kind === 'taken' && answer.isDone;
        },
        async end() {
          const answer = await own.ask({ kind: 'end', page, of });
          if (answer.kind !== 'read') throw new Error(`The thread that reads pages answered "${answer.kind}"`);
          return answer.facts;
        },
        [Symbol.dispose]: () => own.tell({ kind: 'forget', page }),
      };
    },
    async [Symbol.asyncDispose]() {
      await thread?.end();
    },
  };
}

class Thread {
  readonly #worker = new Worker(new URL('./page-worker.ts', import.meta.url), { resourceLimits: LIMITS });
  readonly #waiting = new Map<number, PromiseWithResolvers<PageAnswer>>();
  readonly #stuckMs: number;
  #timer: NodeJS.Timeout | undefined;
  hasEnded = false;

  constructor(stuckMs: number) {
    this.#stuckMs = stuckMs;
    let cause: unknown;
    this.#worker.unref();
    this.#worker.on('message', (answer: PageAnswer) => {
      const asker = this.#waiting.get(answer.page);
      this.#waiting.delete(answer.page);
      this.#watch();
      if (answer.kind === 'failed') asker?.reject(new Error(`A page could not be read: ${answer.message}`));
      else asker?.resolve(answer);
    });
    this.#worker.on('error', (error) => {
      cause = error;
    });
    this.#worker.on('exit', () => {
      this.hasEnded = true;
      for (const asker of this.#waiting.values()) asker.reject(endedOver(cause));
      this.#waiting.clear();
      this.#watch();
    });
  }

  ask(message: PageMessage, transferred: readonly ArrayBuffer[] = []): Promise<PageAnswer> {
    if (this.hasEnded) return Promise.reject(endedOver(undefined));
    const asker = Promise.withResolvers<PageAnswer>();
    this.#waiting.set(message.page, asker);
    if (this.#waiting.size === 1) this.#watch();
    this.#worker.postMessage(message, transferred);
    return asker.promise;
  }

  tell(message: PageMessage): void {
    if (!this.hasEnded) this.#worker.postMessage(message);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  /** From now on, as long as anybody waits. */
  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#waiting.size === 0 ? undefined : setTimeout(() => void this.end(), this.#stuckMs);
  }
}

function endedOver(cause: unknown): NoPreview {
  return new NoPreview('The thread that reads pages has ended over one of them', false, { cause });
}
