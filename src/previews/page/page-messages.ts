import type { PageFacts } from './page-facts.ts';
import type { Syntax } from './page-reader.ts';

/** What is known of a page before it is read. */
export interface PageKind {
  /** By the `Content-Type` header. */
  readonly charset: string | undefined;
  readonly syntax: Syntax;
}

/** To the thread that reads pages; each is about one page, which begins with its first piece. */
export type PageMessage =
  | { readonly kind: 'piece'; readonly page: number; readonly of: PageKind; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly page: number; readonly of: PageKind }
  /** Gets no answer. */
  | { readonly kind: 'forget'; readonly page: number };

/** Of the thread, one for each message. */
export type PageAnswer =
  /** Nothing that comes now would change anything, or it would. */
  | { readonly kind: 'taken'; readonly page: number; readonly isDone: boolean }
  | { readonly kind: 'read'; readonly page: number; readonly facts: PageFacts }
  | { readonly kind: 'failed'; readonly page: number; readonly message: string };
