import type { PageFacts } from './page-facts.ts';

type Attributes = ReadonlyMap<string, string>;

/** The ones that a preview has. */
const OPEN_GRAPH: ReadonlySet<string> = new Set(['title', 'description', 'type', 'url', 'site_name']);
const TWITTER: ReadonlySet<string> = new Set(['title', 'description', 'image', 'image:src']);
const MICRODATA: ReadonlySet<string> = new Set(['name', 'description', 'image']);

/** Gathers what `meta`, `link` and `base` say. */
export class MetadataReader {
  readonly #openGraph = new Map<string, string>();
  readonly #twitter = new Map<string, string>();
  readonly #microdata = new Map<string, string>();
  #image: { url: string | undefined; secureUrl: string | undefined } | undefined;
  #isImageOver = false;
  #description: string | undefined;
  #linkedImage: string | undefined;
  #icon: { readonly href: string; readonly side: number } | undefined;
  #base: string | undefined;
  #oEmbed: string | undefined;

  add(element: string, attributes: Attributes): void {
    if (element === 'meta') this.#addMeta(attributes);
    if (element === 'link') this.#addLink(attributes);
    if (element === 'base') this.#base ??= attributes.get('href')?.trim() || undefined;
  }

  /** All that can be said best has been said. */
  get isComplete(): boolean {
    return ['title', 'description'].every((name) => this.#openGraph.has(name)) && this.#imageUrl !== undefined;
  }

  hasTitle(headings: ReadonlyMap<string, string>): boolean {
    return this.#openGraph.has('title') || this.#twitter.has('title') || headings.size > 0;
  }

  get hasDescription(): boolean {
    return this.#openGraph.has('description') || this.#twitter.has('description') || this.#description !== undefined;
  }

  get facts(): Omit<PageFacts, 'structured' | 'headings' | 'paragraphs' | 'text' | 'picture'> {
    return {
      openGraph: this.#openGraph,
      openGraphImage: this.#imageUrl,
      twitter: this.#twitter,
      microdata: this.#microdata,
      description: this.#description,
      linkedImage: this.#linkedImage,
      icon: this.#icon?.href,
      base: this.#base,
      oEmbed: this.#oEmbed,
    };
  }

  get #imageUrl(): string | undefined {
    return this.#image?.url ?? this.#image?.secureUrl;
  }

  #addMeta(attributes: Attributes): void {
    const content = attributes.get('content')?.trim() ?? '';
    if (content === '') return;
    const property = attributes.get('property')?.trim() ?? '';
    const name = attributes.get('name')?.trim().toLowerCase() ?? '';
    const openGraph = [property, name].find((key) => key.startsWith('og:')); // pages mix them up
    if (openGraph !== undefined) this.#addOpenGraph(openGraph.slice('og:'.length), content);
    for (const key of [name, property]) {
      if (key.startsWith('twitter:')) keepFirst(this.#twitter, key.slice('twitter:'.length), content, TWITTER);
    }
    if (name === 'description') this.#description ??= content;
    keepFirst(this.#microdata, attributes.get('itemprop')?.trim() ?? '', content, MICRODATA);
  }

  /** A picture begins with its URL; what stands behind it up to the next one is about it. https://ogp.me, "Arrays" */
  #addOpenGraph(name: string, content: string): void {
    if (OPEN_GRAPH.has(name)) this.#openGraph.set(name, content);
    if (this.#isImageOver) return;
    if (name === 'image' || name === 'image:url') {
      const isOther = this.#image?.url !== undefined && this.#image.url !== content;
      if (isOther) this.#isImageOver = true;
      else this.#image = { url: content, secureUrl: this.#image?.secureUrl };
    } else if (name === 'image:secure_url') this.#image = { url: this.#image?.url, secureUrl: content };
  }

  #addLink(attributes: Attributes): void {
    const href = attributes.get('href')?.trim() ?? '';
    if (href === '') return;
    const relations = attributes.get('rel')?.toLowerCase().split(/\s+/) ?? [];
    const type = attributes.get('type')?.trim().toLowerCase();
    if (relations.includes('image_src')) this.#linkedImage ??= href;
    if (relations.includes('alternate') && type === 'application/json+oembed') this.#oEmbed ??= href;
    if (relations.some((relation) => /^(icon|apple-touch-icon)(-precomposed)?$/.test(relation))) {
      const side = relations.includes('icon')
        ? sideOf(attributes.get('sizes'))
        : Math.max(57, sideOf(attributes.get('sizes')));
      const isDrawn = type === 'image/svg+xml' || href.startsWith('data:');
      if (!isDrawn && side >= (this.#icon?.side ?? 0)) this.#icon = { href, side };
    }
  }
}

function keepFirst(map: Map<string, string>, key: string, content: string, wanted: ReadonlySet<string>): void {
  if (wanted.has(key) && !map.has(key)) map.set(key, content);
}

/** The largest of `16x16 32x32`. */
function sideOf(sizes: string | undefined): number {
  const sides = (sizes ?? '').match(/\d{1,5}(?=x\d)/gi) ?? [];
  return Math.max(0, ...sides.slice(0, 20).map(Number));
}
