import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Card } from '../card.ts';
import { cardOfPage } from './card-of-page.ts';
import { createPageReader } from './page-reader.ts';

const AT = new URL('https://page.example/a/b?c=d');

/** Read in pieces of that length, as it may come. */
function cardOf(html: string, pieceLength = html.length || 1): Card {
  const reader = createPageReader();
  for (let at = 0; at < html.length; at += pieceLength) reader.write(html.slice(at, at + pieceLength));
  return cardOfPage(reader.end(), AT);
}

function imagesOf(html: string): string[] {
  return cardOf(html).images.map(({ href }) => href);
}

test('OpenGraph goes before all else, and the last value before the others', () => {
  const card = cardOf(`<html><head><title>T</title><meta name="description" content="D">
    <meta property="og:title" content="first"><meta property="og:title" content="O &amp; G">
    <meta property="og:description" content="OD"><meta property="og:type" content="article">
    <meta property="og:site_name" content="Site"><meta property="og:url" content="/canonical"></head></html>`);
  assert.deepEqual(card, {
    url: 'https://page.example/canonical',
    siteName: 'Site',
    type: 'article',
    title: 'O & G',
    description: 'OD',
    images: [],
  });
});

test('properties are written in small letters; attributes and elements as they like', () => {
  assert.equal(cardOf('<META PROPERTY="og:title" CONTENT="yes">').title, 'yes');
  assert.equal(cardOf('<meta property="OG:TITLE" content="no"><title>title</title>').title, 'title');
});

test('OpenGraph is also understood where it stands as a name, as pages have it that mix the two up', () => {
  const card = cardOf('<meta name="og:title" content="yes"><meta name="og:image" content="/i.png"><title>no</title>');
  assert.deepEqual([card.title, card.images[0]?.href], ['yes', 'https://page.example/i.png']);
});

test('Twitter cards, structured data and microdata fill what OpenGraph leaves out', () => {
  const twitter = '<meta name="twitter:title" content="T"><meta property="twitter:description" content="TD">';
  assert.equal(cardOf(`<title>x</title>${twitter}`).title, 'T');
  assert.equal(cardOf(`<title>x</title>${twitter}`).description, 'TD');
  const json = '<script type="application/ld+json">{"@type":"Article","headline":"J","description":"JD"}</script>';
  assert.deepEqual([cardOf(`<title>x</title>${json}`).title, cardOf(json).description], ['J', 'JD']);
  assert.equal(cardOf('<title>x</title><meta itemprop="name" content="M">').title, 'M');
});

test('the title is the first of title, h1, h2 and h3 that is not empty', () => {
  assert.equal(cardOf('<title> </title><h2>two</h2><h1>one</h1>').title, 'one');
  assert.equal(cardOf('<h3>three</h3><h2></h2>').title, 'three');
  assert.equal(cardOf('<title>a</title><title>b</title>').title, 'a');
  assert.equal(cardOf('<svg><title>icon</title></svg><h1>one<br>two</h1>').title, 'one two');
});

test('the description is the one of the page, else its paragraphs, else its text', () => {
  assert.equal(cardOf('<meta name="Description" content="D"><p>P</p>').description, 'D');
  assert.equal(cardOf('<div>x</div><p>one <b>t</b>wo</p><p>three</p>').description, 'one two three');
  assert.equal(cardOf('<body>Hello<br>World<div>!</div></body>').description, 'Hello World !');
});

test('what stands around the content is no part of it', () => {
  const around = ['header', 'nav', 'aside', 'footer', 'noscript', 'script', 'style', 'template'];
  const html = around.map((name) => `<${name}>no</${name}>`).join('');
  assert.equal(cardOf(`<body>${html}<p>yes</p></body>`).description, 'yes');
});

test('a page without ends of elements is read all the same', () => {
  const html = '<html><head><title>T</title><meta name=description content=D><body><p>one<p>two<li>three';
  assert.deepEqual([cardOf(html).title, cardOf(html).description], ['T', 'D']);
  assert.equal(cardOf('<head><body><p>one<p>two').description, 'one two');
});

test('of pictures, OpenGraph names the first, and every other source has its turn after it', () => {
  assert.deepEqual(imagesOf('<meta property="og:image" content="1.png"><meta property="og:image" content="2.png">'), [
    'https://page.example/a/1.png',
  ]);
  assert.deepEqual(imagesOf('<meta property="og:image:secure_url" content="https://s.example/1.png">'), [
    'https://s.example/1.png',
  ]);
  const html = `<link rel="icon" href="/i.png" sizes="16x16"><link rel="apple-touch-icon" href="/t.png">
    <img src="small.png" width="20" height="20"><img src="large.png" width="300" height="200">
    <img src="counter.png" width="1" height="1"><img src="relative.png" width="100%" height="5000">
    <link rel="image_src" href="//c.example/l.png"><meta name="twitter:image" content="/tw.png">`;
  assert.deepEqual(imagesOf(html), [
    'https://page.example/tw.png',
    'https://c.example/l.png',
    'https://page.example/a/large.png',
    'https://page.example/t.png',
  ]);
});

test('links are resolved against the base that the page names', () => {
  const html = '<base href="https://cdn.example/x/"><meta property="og:image" content="y.png">';
  assert.deepEqual(imagesOf(html), ['https://cdn.example/x/y.png']);
});

test('links to what is not on the web are none', () => {
  for (const link of [
    'javascript:alert(1)',
    'data:image/png;base64,AA',
    'file:///etc/passwd',
    'gopher://x/',
    'http://[::1%25eth0]/',
    'mailto:a@b',
  ]) {
    const card = cardOf(`<meta property="og:image" content="${link}"><meta property="og:url" content="${link}">`);
    assert.deepEqual([card.images, card.url], [[], ''], link);
  }
});

test('structured data is found in graphs and lists, and damaged data says nothing', () => {
  const graph = {
    '@graph': [
      { '@type': 'WebSite', name: 'Site' },
      {
        '@type': ['NewsArticle'],
        headline: 'H',
        image: [{ url: 'https://i.example/1.jpg' }],
        publisher: { name: 'P' },
      },
    ],
  };
  const card = cardOf(`<script type="application/ld+json">${JSON.stringify(graph)}</script>`);
  assert.deepEqual([card.title, card.siteName, card.images[0]?.href], ['H', 'P', 'https://i.example/1.jpg']);
  assert.equal(cardOf('<title>T</title><script type="application/ld+json">{"headline": </script>').title, 'T');
});

test('a page is done when its head is over and all that counts is known', () => {
  const reader = createPageReader();
  reader.write('<head><meta property="og:title" content="T"><meta property="og:description" content="D">');
  reader.write('<meta property="og:image" content="i.png">');
  assert.equal(reader.isDone, false);
  reader.write('</head>');
  assert.equal(reader.isDone, true);
});

test('elements without end are read only so deep', () => {
  const reader = createPageReader();
  reader.write(`<title>T</title>${'<x>'.repeat(1_000)}`);
  assert.equal(reader.isDone, true);
  assert.equal(cardOfPage(reader.end(), AT).title, 'T');
});

test('pages and feeds in XML are read as that', () => {
  const read = (syntax: 'xhtml' | 'xml', text: string) => {
    const reader = createPageReader(syntax);
    reader.write(text);
    return cardOfPage(reader.end(), AT);
  };
  assert.equal(read('xhtml', '<head><script src="x"/><title>T&nbsp;1</title></head>').title, 'T\u00a01');
  const feed = `<rss><channel><title><![CDATA[The <b> blog]]></title><link>http://x.example/</link>
    <description><![CDATA[About &amp; more]]></description></channel></rss>`;
  const { title, description } = read('xml', feed);
  assert.deepEqual([title, description], ['The <b> blog', 'About &amp; more']);
});

test('who has said nothing in three million characters says nothing', () => {
  const reader = createPageReader();
  for (let at = 0; at < 30; at += 1) reader.write('<p>'.repeat(33_333));
  assert.equal(reader.isDone, false);
  reader.write('<p>'.repeat(33_333));
  assert.equal(reader.isDone, true);
});

test('structured data is text, also where pages write it as HTML', () => {
  const json = '{"@type":"Article","headline":"Tom &amp; Jerry&#8217;s","description":"List<String> & <b>"}';
  const card = cardOf(`<script type="application/ld+json">${json}</script>`);
  assert.deepEqual([card.title, card.description], ['Tom & Jerry’s', 'List<String> & <b>']);
});

test('whatever a page is made of, it has a card, and the same one in whatever pieces it comes', () => {
  const piece = fc.constantFrom(
    ...['<p>', '</p>', '<title>', '</title>', '<meta property="og:title" content="', '">', '<script>', '</script>'],
    ...['&amp;', '&', '<!--', '-->', '<', '>', '"', 'text', ' ', '<h1>', '</h1>', '<svg>', '</svg>', '<body>', '\0'],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.integer({ min: 1, max: 9 }), (pieces, length) => {
      const html = pieces.join('');
      assert.deepEqual(cardOf(html, length), cardOf(html));
    }),
  );
});
