import assert from 'node:assert/strict';
import { test } from 'node:test';
import { htmlToText } from '../html-to-text.ts';
import { cardOfOEmbed } from './card-of-oembed.ts';
import { createProviderLoader } from './load-providers.ts';
import { readProviders } from './providers.ts';

const LINK = new URL('https://video.example/watch?v=1');

const LIST = [
  { provider_name: 'Odd', endpoints: 'none' },
  {
    provider_name: 'Video',
    provider_url: 'https://video.example/',
    endpoints: [
      {
        schemes: ['https://*.video.example/watch*', 'http://video.example/v/*', 'spotify:*'],
        url: 'https://video.example/oembed.{format}',
      },
    ],
  },
  {
    provider_name: 'Photo',
    provider_url: 'https://photo.example/',
    endpoints: [{ url: 'https://api.photo.example/o?a=1' }],
  },
];

const FOUND: readonly (readonly [link: string, endpoint: string | undefined])[] = [
  [
    'https://www.video.example/watch?v=1&t=2',
    'https://video.example/oembed.json?format=json&url=https%3A%2F%2Fwww.video.example%2Fwatch%3Fv%3D1%26t%3D2',
  ],
  ['http://www.video.example/watch?v=1', undefined],
  ['http://video.example/v/1', 'https://video.example/oembed.json?format=json&url=http%3A%2F%2Fvideo.example%2Fv%2F1'],
  [
    'https://video.example/v/1',
    'https://video.example/oembed.json?format=json&url=https%3A%2F%2Fvideo.example%2Fv%2F1',
  ],
  ['https://evil.example/a.video.example/watch', undefined],
  ['https://evil.example/?.video.example/watch', undefined],
  [
    'https://photo.example/any/thing',
    'https://api.photo.example/o?a=1&format=json&url=https%3A%2F%2Fphoto.example%2Fany%2Fthing',
  ],
  ['https://other.example/', undefined],
];

for (const [link, endpoint] of FOUND) {
  test(`${link} is described ${endpoint === undefined ? 'by nobody' : 'by its provider'}`, () => {
    assert.equal(readProviders(LIST).find(new URL(link))?.endpoint.href, endpoint);
  });
}

test('the list that comes along knows the large sites', async () => {
  const providers = await createProviderLoader()('');
  const found = providers.find(new URL('https://www.youtube.com/watch?v=dQw4w9WgXcQ'));
  assert.equal(found?.providerName, 'YouTube');
  assert.equal(found?.endpoint.hostname, 'www.youtube.com');
});

test('a list that cannot be used is refused with its name', async () => {
  assert.throws(() => readProviders({}), TypeError);
  await assert.rejects(createProviderLoader()('/nowhere/providers.json'), /oEmbedProvidersPath, \/nowhere/);
});

test('a video has its title, its provider and its thumbnail', () => {
  const json = { type: 'video', title: 'T', provider_name: 'V', thumbnail_url: '//i.example/1.jpg', html: '<iframe>' };
  assert.deepEqual(cardOfOEmbed(JSON.stringify(json), LINK, 'List'), {
    url: LINK.href,
    siteName: 'V',
    type: 'video',
    title: 'T',
    description: '',
    images: [new URL('https://i.example/1.jpg')],
  });
});

test('a photo is its own picture, and a rich text its own description, unless there is a summary', () => {
  const photo = cardOfOEmbed('{"type":"photo","url":"https://i.example/p.jpg","title":"P"}', LINK, 'List');
  assert.deepEqual([photo?.images[0]?.href, photo?.siteName], ['https://i.example/p.jpg', 'List']);
  const html = '<blockquote><p>Hello <a href="https://t.co/x">t.co/x</a></p>&mdash; Foo</blockquote><script>x</script>';
  assert.equal(
    cardOfOEmbed(JSON.stringify({ type: 'rich', html }), LINK, '')?.description,
    'Hello https://t.co/x\n\n— Foo',
  );
  assert.equal(cardOfOEmbed(JSON.stringify({ type: 'rich', html, summary: 'S' }), LINK, '')?.description, 'S');
});

test('what describes nothing is no card', () => {
  for (const json of ['', '<xml/>', '[]', '{}', 'null', '{"type":"link"}', '{"title":5,"type":"video"}']) {
    assert.equal(cardOfOEmbed(json, LINK, 'List'), undefined, json);
  }
  assert.equal(
    cardOfOEmbed('{"title":"T","thumbnail_url":"file:///etc/passwd","width":"wide"}', LINK, '')?.images.length,
    0,
  );
});

test('HTML becomes text without scripts, and links become where they lead', () => {
  assert.equal(htmlToText('<p>a</p><p>b<br>c</p><style>x</style>'), 'a\n\nb\nc');
  assert.equal(
    htmlToText('<a href="javascript:alert(1)">x</a>y<a href="https://z.example/">z</a>'),
    'yhttps://z.example/',
  );
  assert.equal(htmlToText('<ul><li>a<li>b</ul>&lt;b&gt;'), 'a\nb<b>');
});
