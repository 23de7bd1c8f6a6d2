import type { Card } from '../card.ts';
import type { PageFacts } from './page-facts.ts';

/**
 * The card that a page deserves: what it says for the purpose goes before what it says for others, and that before what
 * it shows.
 * @param url where the page was in the end
 */
export function cardOfPage(facts: PageFacts, url: URL): Card {
  const { openGraph, twitter, structured, microdata, headings } = facts;
  const base = resolve(facts.base, url) ?? url;
  const images = [
    facts.openGraphImage,
    twitter.get('image') ?? twitter.get('image:src'),
    structured.image,
    microdata.get('image'),
    facts.linkedImage,
    facts.picture,
    facts.icon,
  ];
  return {
    url: resolve(openGraph.get('url'), base)?.href ?? '',
    siteName: openGraph.get('site_name') ?? structured.siteName ?? '',
    type: openGraph.get('type') ?? '',
    title: firstOf(
      openGraph.get('title'),
      twitter.get('title'),
      structured.title,
      microdata.get('name'),
      headings.get('title'),
      headings.get('h1'),
      headings.get('h2'),
      headings.get('h3'),
    ),
    description: firstOf(
      openGraph.get('description'),
      twitter.get('description'),
      structured.description,
      microdata.get('description'),
      facts.description,
      facts.paragraphs,
      facts.text,
    ),
    images: distinct(images.map((image) => resolve(image, base)).filter((image) => image !== undefined)),
  };
}

function firstOf(...texts: readonly (string | undefined)[]): string {
  return texts.find((text) => text !== undefined && text.trim() !== '') ?? '';
}

/** `undefined` for what is no page or file of the web. */
function resolve(link: string | undefined, base: URL): URL | undefined {
  const url = link === undefined ? null : URL.parse(link, base.href);
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? url : undefined;
}

function distinct(urls: readonly URL[]): URL[] {
  return [...new Map(urls.map((url) => [url.href, url])).values()];
}
