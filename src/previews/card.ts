/** What a link leads to, in texts as they were found, of any length; empty for what is not known. */
export interface Card {
  readonly url: string;
  readonly siteName: string;
  readonly type: string;
  readonly title: string;
  readonly description: string;
  /** Candidates for its picture, the best one first. */
  readonly images: readonly URL[];
}
