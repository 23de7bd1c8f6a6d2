import { htmlToText } from '../html-to-text.ts';

/** What structured data says of the page. */
export interface StructuredFacts {
  readonly title: string | undefined;
  readonly description: string | undefined;
  readonly image: string | undefined;
  readonly siteName: string | undefined;
}

type Node = Readonly<Record<string, unknown>>;

/** Are about what is around the page. */
const AROUND: ReadonlySet<string> = new Set([
  ...['Organization', 'NewsMediaOrganization', 'WebSite', 'BreadcrumbList', 'Person', 'ImageObject', 'SearchAction'],
  ...['ItemList', 'SiteNavigationElement', 'Corporation', 'LocalBusiness'],
]);
const MAX_NODES = 200;
/** Of a text. */
const MAX_LENGTH = 10_000;

/** @param scripts contents of `application/ld+json`; those that are no JSON say nothing. JSON-LD with https://schema.org */
export function readJsonLd(scripts: readonly string[]): StructuredFacts {
  const nodes = scripts.flatMap((script) => nodesOf(parse(script))).slice(0, MAX_NODES);
  const subject = nodes.find((node) => !isAround(node) && titleOf(node) !== undefined);
  const site = nodes.find((node) => typesOf(node).includes('WebSite'));
  const publisher = subject?.['publisher'];
  return {
    title: subject && titleOf(subject),
    description: textOf(subject?.['description']),
    image: imageOf(subject?.['image']) ?? imageOf(subject?.['thumbnailUrl']),
    siteName: textOf(isNode(publisher) ? publisher['name'] : undefined) ?? textOf(site?.['name']),
  };
}

function parse(script: string): unknown {
  try {
    return JSON.parse(script);
  } catch {
    return undefined; // pages are full of what is not quite JSON
  }
}

/** Lists and graphs are opened, one in the other three times. */
function nodesOf(value: unknown, depth = 3): Node[] {
  if (depth === 0) return [];
  if (Array.isArray(value)) return value.slice(0, MAX_NODES).flatMap((item) => nodesOf(item, depth - 1));
  if (!isNode(value)) return [];
  return [value, ...nodesOf(value['@graph'] ?? value['mainEntity'], depth - 1)];
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function typesOf(node: Node): readonly unknown[] {
  return [node['@type']].flat();
}

function isAround(node: Node): boolean {
  return typesOf(node).some((type) => typeof type === 'string' && AROUND.has(type));
}

function titleOf(node: Node): string | undefined {
  return textOf(node['headline']) ?? textOf(node['name']);
}

/** Some pages escape it, as if it were HTML. */
function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const text = value.slice(0, MAX_LENGTH);
  return /&#?\w{2,};/.test(text) ? htmlToText(text) : text;
}

function linkOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.slice(0, MAX_LENGTH) : undefined;
}

function imageOf(value: unknown): string | undefined {
  const [first] = [value].flat() as readonly unknown[]; // of a list, the first one
  return isNode(first) ? (linkOf(first['url']) ?? linkOf(first['contentUrl'])) : linkOf(first);
}
