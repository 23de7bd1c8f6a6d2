import type { PageFacts } from './page-facts.ts';

/** To the thread that reads pages; each is about one page, which begins with its first piece. */
export type PageMessage =
  | { readonly kind: 'piece'; readonly page: number; readonly charset: string | undefined; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly page: number; readonly charset: string | undefined }
  /** Gets no answer. */
  | { readonly kind: 'forget'; readonly page: number };

/** Of the thread, one for each message. */
export type PageAnswer =
  /** Nothing that comes now would change anything, or it would. */
  | { readonly kind: 'taken'; readonly page: number; readonly isDone: boolean }
  | { readonly kind: 'read'; readonly page: number; readonly facts: PageFacts }
  | { readonly kind: 'failed'; readonly page: number; readonly message: string };
