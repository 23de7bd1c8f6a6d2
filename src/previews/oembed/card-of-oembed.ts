import type { Card } from '../card.ts';
import { htmlToText } from '../html-to-text.ts';

/**
 * The card of a link by its description. Only texts are taken. https://oembed.com, section 2.3.4
 * @param json of the provider
 * @param providerName by the list of providers, for a description that names none
 * @returns `undefined` for what describes nothing
 */
export function cardOfOEmbed(json: string, link: URL, providerName: string): Card | undefined {
  const described = parse(json);
  if (described === undefined) return undefined;
  const text = (name: string) => {
    const value = described[name];
    return typeof value === 'string' ? value : '';
  };
  const type = text('type');
  const images = [type === 'photo' ? text('url') : '', text('thumbnail_url')].map((image) => onTheWeb(image, link));
  const card = {
    url: onTheWeb(text('url'), link)?.href ?? link.href,
    siteName: text('provider_name') || providerName,
    type,
    title: text('title'),
    description: text('summary') || (type === 'rich' ? htmlToText(text('html')) : '') || text('description'),
    images: images.filter((image) => image !== undefined),
  };
  return card.title === '' && card.description === '' && card.images.length === 0 ? undefined : card;
}

function parse(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined; // the page itself is asked then
  }
}

function onTheWeb(text: string, base: URL): URL | undefined {
  const url = text === '' ? null : URL.parse(text, base.href);
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? url : undefined;
}
