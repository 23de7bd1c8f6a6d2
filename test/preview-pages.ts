import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { encodeText } from './encode-text.ts';
import { SITE } from './played-previews.ts';

/** A page of the corpus, and its preview; `picture` stands for all that is told of one. */
export interface PreviewPage {
  readonly name: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  /** `undefined`: it has none. */
  readonly preview: Readonly<Record<string, string>> | undefined;
}

const HTML = 'text/html; charset=utf-8';
const PICTURE = { picture: 'yes' };

/** What stands around the content of a page. */
const AROUND = '<header>Menu</header><nav><a href="/">Home</a></nav><aside>Ads</aside><footer>Imprint</footer>';

function meta(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([name, content]) => `<meta property="${name}" content="${content}">`)
    .join('\n');
}

function jsonLd(value: unknown): string {
  return `<script type="application/ld+json">${JSON.stringify(value)}</script>`;
}

function inHead(head: string, body = '<p>body</p>'): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">${head}</head><body>${AROUND}${body}</body></html>`;
}

function titled(title: string, description: string) {
  return { 'og:title': title, 'og:description': description };
}

const SITES: readonly PreviewPage[] = [
  {
    name: 'news: an article with OpenGraph',
    body: inHead(
      `<title>Storm over the coast | Daily News</title>${meta({
        'og:type': 'article',
        'og:title': 'Storm over the coast',
        'og:description': 'Thousands without power.',
        'og:site_name': 'Daily News',
        'og:url': `https://${SITE}/2026/storm`,
        'og:image': `https://${SITE}/picture.jpg`,
        'og:image:width': '1200',
        'article:published_time': '2026-11-25T12:00:00Z',
      })}`,
    ),
    preview: {
      ...titled('Storm over the coast', 'Thousands without power.'),
      'og:type': 'article',
      'og:site_name': 'Daily News',
      'og:url': `https://${SITE}/2026/storm`,
      ...PICTURE,
    },
  },
  {
    name: 'news: an article with structured data alone',
    body: inHead(
      jsonLd({
        '@context': 'https://schema.org',
        '@type': 'NewsArticle',
        headline: 'Election results',
        description: 'All districts counted.',
        image: ['/picture.jpg'],
        publisher: { '@type': 'Organization', name: 'The Paper' },
      }),
    ),
    preview: { ...titled('Election results', 'All districts counted.'), 'og:site_name': 'The Paper', ...PICTURE },
  },
  {
    name: 'news: structured data in a graph',
    body: inHead(
      `<title>x</title>${jsonLd({
        '@graph': [
          { '@type': 'WebSite', name: 'Graph Times' },
          { '@type': 'BreadcrumbList', name: 'crumbs' },
          { '@type': 'Article', headline: 'In the graph', description: 'Found.' },
        ],
      })}`,
    ),
    preview: { ...titled('In the graph', 'Found.'), 'og:site_name': 'Graph Times' },
  },
  {
    name: 'video: a page of a large site, whose properties stand far down',
    body: inHead(
      `${'<script>var x = {"a": "<b>"};</script>'.repeat(500)}<title>Cat plays piano - Tube</title>${meta({
        'og:site_name': 'Tube',
        'og:title': 'Cat plays piano',
        'og:description': 'Watch till the end.',
        'og:type': 'video.other',
        'og:video:url': 'https://tube.example/embed/1',
      })}`,
    ),
    preview: {
      ...titled('Cat plays piano', 'Watch till the end.'),
      'og:type': 'video.other',
      'og:site_name': 'Tube',
    },
  },
  {
    name: 'video: a thumbnail in structured data',
    body: inHead(
      jsonLd({
        '@type': 'VideoObject',
        name: 'Clip',
        description: 'A clip.',
        thumbnailUrl: ['/picture.jpg', '/b.jpg'],
      }),
    ),
    preview: { ...titled('Clip', 'A clip.'), ...PICTURE },
  },
  {
    name: 'shop: a product',
    body: inHead(
      `<title>Buy</title>${jsonLd({ '@type': 'Product', name: 'Teapot, 1 l', description: 'Holds tea.', image: { '@type': 'ImageObject', url: '/picture.jpg' } })}`,
    ),
    preview: { ...titled('Teapot, 1 l', 'Holds tea.'), ...PICTURE },
  },
  {
    name: 'shop: OpenGraph of products',
    body: inHead(
      meta({
        'og:type': 'product',
        'og:title': 'Lamp &amp; shade',
        'product:price:amount': '19.90',
        'og:locale': 'de_DE',
      }),
      '<p>Bright.</p>',
    ),
    preview: { ...titled('Lamp & shade', 'Bright.'), 'og:type': 'product' },
  },
  {
    name: 'shop: microdata',
    body: inHead(
      '<title>Shop</title><meta itemprop="name" content="Chair"><meta itemprop="description" content="Four legs."><meta itemprop="image" content="/picture.jpg">',
    ),
    preview: { ...titled('Chair', 'Four legs.'), ...PICTURE },
  },
  {
    name: 'forum: a thread without any metadata',
    body: `<html><head><title>How do I…? - Forum</title></head><body>${AROUND}<h1>How do I…?</h1><div class="post"><p>I tried <b>everything</b>.</p><p>Any ideas?</p></div></body></html>`,
    preview: titled('How do I…? - Forum', 'I tried everything. Any ideas?'),
  },
  {
    name: 'forum: tables of the old days',
    body: '<HTML><HEAD><TITLE>Topic 17</TITLE></HEAD><BODY BGCOLOR=white><TABLE><TR><TD>alice</TD><TD>Hello there<BR>second line</TD></TR></TABLE></BODY></HTML>',
    preview: titled('Topic 17', 'alice Hello there second line'),
  },
  {
    name: 'forum: questions and answers',
    body: inHead(
      `<meta name="twitter:card" content="summary"><meta name="twitter:title" property="og:title" content="Why is it slow?"><meta name="twitter:description" property="og:description" content="It takes minutes.">`,
    ),
    preview: titled('Why is it slow?', 'It takes minutes.'),
  },
  {
    name: 'wiki: an article',
    body: inHead(
      `<title>Teapot - Wiki</title>${meta({ 'og:title': 'Teapot - Wiki', 'og:type': 'website', 'og:image': '/picture.jpg' })}`,
      '<h1>Teapot</h1><p class="empty"></p><p>A <b>teapot</b> is a vessel<sup>[1]</sup> for tea.</p>',
    ),
    preview: { ...titled('Teapot - Wiki', 'A teapot is a vessel[1] for tea.'), 'og:type': 'website', ...PICTURE },
  },
  {
    name: 'wiki: a page with a formula and a picture in a box',
    body: inHead(
      '<title>Circle</title>',
      '<table><tr><td><img src="/picture.jpg" width="300" height="200"></td></tr></table><p>Area: <math><mi>pi</mi></math> r²</p>',
    ),
    preview: { ...titled('Circle', 'Area: r²'), ...PICTURE },
  },
  {
    name: 'code host: a repository',
    body: inHead(
      `<title>octo/cat: a cat</title><meta name="description" content="A cat in code. Contribute!">${meta({ 'og:site_name': 'CodeHub', 'og:type': 'object', 'og:title': 'octo/cat', 'og:image:url': '/picture.jpg', 'og:image:alt': 'x' })}`,
    ),
    preview: {
      ...titled('octo/cat', 'A cat in code. Contribute!'),
      'og:site_name': 'CodeHub',
      'og:type': 'object',
      ...PICTURE,
    },
  },
  {
    name: 'code host: an issue with code in it',
    body: inHead(
      '<title>Crash · Issue #1</title>',
      '<p>It does <code>rm -rf</code> and</p><pre>stack\n  trace</pre><p>stops.</p>',
    ),
    preview: titled('Crash · Issue #1', 'It does rm -rf and stops.'),
  },
  {
    name: 'social: a post',
    body: inHead(
      meta({
        'og:type': 'article',
        'og:title': 'Alice (@alice@social.example)',
        'og:description': 'Good morning ☕&#10;&#10;It is early',
        'og:site_name': 'Social',
      }),
    ),
    preview: {
      ...titled('Alice (@alice@social.example)', 'Good morning ☕ It is early'),
      'og:type': 'article',
      'og:site_name': 'Social',
    },
  },
  {
    name: 'social: a profile with Twitter cards alone',
    body: inHead(
      '<title>x</title><meta name="twitter:title" content="Bob"><meta name="twitter:description" content="Builder"><meta name="twitter:image:src" content="/picture.jpg">',
    ),
    preview: { ...titled('Bob', 'Builder'), ...PICTURE },
  },
  {
    name: 'social: nothing but a script',
    body: '<!doctype html><html><head><title></title></head><body><div id="root"></div><noscript>Please enable JavaScript</noscript><script>boot()</script></body></html>',
    preview: {},
  },
  {
    name: 'recipe',
    body: inHead(
      jsonLd([{ '@type': ['Recipe', 'Article'], name: 'Soup', description: 'Stir.', image: '/picture.jpg' }]),
    ),
    preview: { ...titled('Soup', 'Stir.'), ...PICTURE },
  },
  {
    name: 'blog: a feed that is asked for as a page',
    headers: { 'content-type': 'application/rss+xml' },
    body: '<?xml version="1.0"?><rss><channel><title>The blog</title><description>About things</description></channel></rss>',
    preview: titled('The blog', 'About things'),
  },
  {
    name: 'blog: XHTML',
    headers: { 'content-type': 'application/xhtml+xml' },
    body: '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>X</title><meta name="description" content="HTML" /></head><body/></html>',
    preview: titled('X', 'HTML'),
  },
  {
    name: 'map: only an icon',
    body: inHead(
      '<title>Map</title><link rel="apple-touch-icon" href="/picture.jpg"><link rel="icon" href="/missing.ico">',
      '<div>Where</div>',
    ),
    preview: { ...titled('Map', 'Where'), ...PICTURE },
  },
];

const SCRIPTS: readonly PreviewPage[] = (
  [
    ['Chinese', '这是一个标题', '这里是描述。'],
    ['Japanese', '日本語の見出し', '説明です。'],
    ['Korean', '한국어 제목', '설명입니다.'],
    ['Russian', 'Заголовок', 'Описание страницы.'],
    ['Arabic', 'عنوان الصفحة', 'وصف قصير'],
    ['Hebrew', 'כותרת', 'תיאור'],
    ['Hindi', 'शीर्षक', 'विवरण'],
    ['Thai', 'หัวเรื่อง', 'คำอธิบาย'],
    ['Greek', 'Τίτλος', 'Περιγραφή'],
    ['pictographs', '🎉 Party 👩‍👩‍👧‍👦', '🥳'],
  ] as const
).map(([name, title, description]) => ({
  name: `script: ${name}`,
  body: inHead(`<title>${title}</title><meta name="description" content="${description}">`),
  preview: titled(title, description),
}));

/** Encodings by header, by the page, and by nobody. */
const ENCODINGS: readonly PreviewPage[] = (
  [
    ['shift_jis', '日本語の見出し', 'これは説明です'],
    ['windows-1251', 'Заголовок', 'Описание страницы'],
    ['gb18030', '这是一个标题', '这里是描述'],
    ['euc-jp', '日本語の見出し', 'これは説明です'],
    ['iso-2022-jp', '日本語の見出し', 'これは説明です'],
    ['euc-kr', '한국어 제목', '설명입니다'],
    ['big5', '繁體中文標題', '這裡是描述'],
    ['koi8-r', 'Заголовок', 'Описание'],
    ['iso-8859-2', 'Zażółć gęślą', 'jaźń'],
    ['windows-1252', 'Café “crème”', 'déjà vu – 5 €'],
    ['utf-16le', 'Wide', 'characters ✓'],
  ] as const
).map(([label, title, description], index) => {
  const isByPage = index % 2 === 1 && !label.startsWith('utf-16');
  const said = isByPage ? `<meta http-equiv="Content-Type" content="text/html; charset=${label}">` : '';
  const html = `<html><head>${said}<title>${title}</title><meta name="description" content="${description}"></head></html>`;
  return {
    name: `encoding: ${label}, as the ${isByPage ? 'page' : 'header'} says`,
    headers: { 'content-type': isByPage ? 'text/html' : `text/html; charset="${label}"` },
    body: encodeText(label, html),
    preview: titled(title, description),
  };
});

const RUSSIAN = 'Это обычная страница на русском языке, и она была написана очень давно, ещё до нас.';
const PLAIN = inHead('<title>Packed</title><meta name="description" content="small">');

const ODD: readonly PreviewPage[] = [
  {
    name: 'encoding: UTF-8, whatever the header says',
    headers: { 'content-type': 'text/html; charset=iso-8859-1' },
    body: '<title>Übergröße</title><p>ö',
    preview: titled('Übergröße', 'ö'),
  },
  {
    name: 'encoding: nobody says it',
    headers: { 'content-type': 'text/html' },
    body: encodeText('windows-1251', `<title>Привет</title><p>${RUSSIAN}</p>`),
    preview: titled('Привет', RUSSIAN),
  },
  {
    name: 'encoding: an unknown one',
    headers: { 'content-type': 'text/html; charset=klingon' },
    body: '<meta charset="utf-8"><title>Ä</title><p>x',
    preview: titled('Ä', 'x'),
  },
  {
    name: 'packed: gzip',
    headers: { 'content-encoding': 'gzip' },
    body: gzipSync(PLAIN),
    preview: titled('Packed', 'small'),
  },
  {
    name: 'packed: deflate',
    headers: { 'content-encoding': 'deflate' },
    body: deflateSync(PLAIN),
    preview: titled('Packed', 'small'),
  },
  {
    name: 'packed: deflate without its header',
    headers: { 'content-encoding': 'deflate' },
    body: deflateRawSync(PLAIN),
    preview: titled('Packed', 'small'),
  },
  {
    name: 'packed: Brotli',
    headers: { 'content-encoding': 'br' },
    body: brotliCompressSync(PLAIN),
    preview: titled('Packed', 'small'),
  },
  {
    name: 'packed: Zstandard',
    headers: { 'content-encoding': 'zstd' },
    body: zstdCompressSync(PLAIN),
    preview: titled('Packed', 'small'),
  },
  {
    name: 'packed: twice',
    headers: { 'content-encoding': 'br, gzip' },
    body: gzipSync(brotliCompressSync(PLAIN)),
    preview: titled('Packed', 'small'),
  },
  { name: 'packed: in an unknown way', headers: { 'content-encoding': 'rot13' }, body: PLAIN, preview: undefined },
  {
    name: 'packed: not at all, though it says so',
    headers: { 'content-encoding': 'gzip' },
    body: PLAIN,
    preview: undefined,
  },
  {
    name: 'packed: a text that says so, and is not',
    headers: { 'content-encoding': 'gzip', 'content-type': 'text/plain' },
    body: 'Just a text.',
    preview: undefined,
  },
  {
    name: 'packed: 128 MiB of nothing behind the title',
    headers: { 'content-encoding': 'gzip' },
    body: Buffer.concat([
      gzipSync(PLAIN),
      gzipSync(Buffer.alloc(64 * 1024 * 1024)),
      gzipSync(Buffer.alloc(64 * 1024 * 1024)),
    ]),
    preview: titled('Packed', 'small'),
  },
  {
    name: 'broken: no end of anything',
    body: '<html><head><title>Open</title><body><div><p>one<p>two<table><tr><td>x',
    preview: titled('Open', 'one two'),
  },
  {
    name: 'broken: attributes without quotes',
    body: '<meta property=og:title content=Bare><meta name=description content=word>',
    preview: titled('Bare', 'word'),
  },
  {
    name: 'broken: elements in each other',
    body: '<title>T</title><b><i><p>a</b>b</i></p></div></span>',
    preview: titled('T', 'a'),
  },
  {
    name: 'broken: a comment without end',
    body: '<title>T</title><p>a</p><!-- <meta property="og:title" content="no">',
    preview: titled('T', 'a'),
  },
  {
    name: 'broken: entities',
    body: '<title>&lt;b&gt; &amp &copy; &#x1F600; &nosuch; &#0;</title><p>&nbsp;x',
    preview: titled('<b> & © 😀 &nosuch; �', 'x'),
  },
  { name: 'broken: NUL and controls', body: '<title>a\0b\x01c</title><p>x\x7fy', preview: titled('abc', 'xy') },
  {
    name: 'broken: a script that writes a title',
    body: '<script>document.write("<title>no</title>")</script><title>yes</title><p>x',
    preview: titled('yes', 'x'),
  },
  {
    name: 'broken: damaged structured data',
    body: `<title>T</title><script type="application/ld+json">{"headline": "no",</script><p>x`,
    preview: titled('T', 'x'),
  },
  {
    name: 'broken: structured data of odd types',
    body: `<title>T</title>${jsonLd({ headline: 5, name: ['a'], image: { url: 7 } })}<p>x`,
    preview: titled('T', 'x'),
  },
  {
    name: 'broken: a picture that is none',
    body: `<title>T</title><meta property="og:image" content="/page.txt"><p>x`,
    preview: titled('T', 'x'),
  },
  {
    name: 'broken: a picture that is not there',
    body: `<title>T</title><meta property="og:image" content="/missing.jpg"><p>x`,
    preview: titled('T', 'x'),
  },
  {
    name: 'broken: the first picture is not there, the second is',
    body: `<title>T</title><meta property="og:image" content="/missing.jpg"><link rel="image_src" href="/picture.jpg"><p>x`,
    preview: { ...titled('T', 'x'), ...PICTURE },
  },
  {
    name: 'broken: a picture cut short',
    body: `<title>T</title><meta property="og:image" content="/torso.png"><p>x`,
    preview: titled('T', 'x'),
  },
  {
    name: 'broken: a picture with a scheme of its own',
    body: `<title>T</title><meta property="og:image" content="data:image/png;base64,AAAA"><p>x`,
    preview: titled('T', 'x'),
  },
  {
    name: 'long: words',
    body: `<title>${'word '.repeat(100)}</title><p>${'text '.repeat(100)}`,
    preview: titled('word '.repeat(30).trim(), 'text '.repeat(40).trim()),
  },
  {
    name: 'long: no words',
    body: `<title>${'漢'.repeat(1000)}</title><p>x`,
    preview: titled(`${'漢'.repeat(147)}...`, 'x'),
  },
  {
    name: 'base: links start elsewhere',
    body: `<base href="/deep/er/"><title>T</title><meta property="og:image" content="../../picture.jpg"><meta property="og:url" content="x"><p>x`,
    preview: { ...titled('T', 'x'), 'og:url': `https://${SITE}/deep/er/x`, ...PICTURE },
  },
  {
    name: 'text: plain',
    headers: { 'content-type': 'text/plain' },
    body: 'Just  a text,\nof two lines.',
    preview: { 'og:title': 'LINK', 'og:url': 'LINK', 'og:description': 'Just a text, of two lines.' },
  },
  {
    name: 'text: JSON',
    headers: { 'content-type': 'application/json' },
    body: '{"a": [1, 2]}',
    preview: { 'og:title': 'LINK', 'og:url': 'LINK', 'og:description': '{"a": [1, 2]}' },
  },
  {
    name: 'file: PDF',
    headers: { 'content-type': 'application/pdf', 'content-disposition': 'inline; filename="Report 2026.pdf"' },
    body: '%PDF-1.7',
    preview: { 'og:title': 'Report 2026.pdf', 'og:url': 'LINK' },
  },
  {
    name: 'file: a program that is sent as text',
    headers: { 'content-type': 'text/plain' },
    body: Buffer.from('\x7fELF\x02\x01\x01\0\0\0', 'latin1'),
    preview: undefined,
  },
  {
    name: 'text: UTF-16, as its mark says',
    headers: { 'content-type': 'text/plain' },
    body: Buffer.from('\ufeffAbc', 'utf16le'),
    preview: { 'og:title': 'LINK', 'og:url': 'LINK', 'og:description': 'Abc' },
  },
  {
    name: 'file: a program',
    headers: { 'content-type': 'application/octet-stream' },
    body: Buffer.alloc(100),
    preview: undefined,
  },
  {
    name: 'file: a video, which is not listed',
    headers: { 'content-type': 'video/mp4' },
    body: Buffer.alloc(100),
    preview: undefined,
  },
];

export const PREVIEW_PAGES: readonly PreviewPage[] = [...SITES, ...SCRIPTS, ...ENCODINGS, ...ODD].map((one) => ({
  ...one,
  headers: { 'content-type': HTML, ...one.headers },
}));
