import type { StructuredFacts } from './json-ld.ts';

/** What a page says of itself, as it says it: nothing is resolved, shortened or trusted. Empty texts are left out. */
export interface PageFacts {
  /** OpenGraph, by property without `og:`; of several, the last one. Without those of pictures. */
  readonly openGraph: ReadonlyMap<string, string>;
  /** Of the first picture that OpenGraph names. */
  readonly openGraphImage: string | undefined;
  /** By name without `twitter:`; of several, the first one. */
  readonly twitter: ReadonlyMap<string, string>;
  /** `<meta itemprop>`; of several, the first one. */
  readonly microdata: ReadonlyMap<string, string>;
  /** JSON-LD. */
  readonly structured: StructuredFacts;
  /** By element: `title`, `h1`, `h2`, `h3`; the first of each that is not empty. */
  readonly headings: ReadonlyMap<string, string>;
  /** `<meta name="description">`. */
  readonly description: string | undefined;
  /** The text of its paragraphs, and all of its text, without what stands around the content. Only their begin. */
  readonly paragraphs: string;
  readonly text: string;
  /** `<link rel="image_src">`. */
  readonly linkedImage: string | undefined;
  /** The largest picture that says how large it is. */
  readonly picture: string | undefined;
  /** The largest icon. */
  readonly icon: string | undefined;
  /** `<base href>`. */
  readonly base: string | undefined;
  /** Where its oEmbed description is, as JSON. */
  readonly oEmbed: string | undefined;
}
