import assert from 'node:assert/strict';
import { test } from 'node:test';
import Fastify from 'fastify';
import { Type } from 'typebox';
import { spareChecksOfTexts } from './path-texts.ts';

async function statusOf(schema: object, url: string): Promise<number> {
  await using app = Fastify();
  spareChecksOfTexts(app);
  app.get('/media/:mediaId', { schema }, async () => 'found');
  return (await app.inject(url)).statusCode;
}

const text = Type.Object({ mediaId: Type.String({ description: 'Any text.' }) });

test('a path whose parameters may be any text is answered', async () => {
  assert.equal(await statusOf({ params: text }, '/media/abc'), 200);
});

for (const [what, schema] of Object.entries({
  'a parameter that is not any text': { params: Type.Object({ mediaId: Type.String({ minLength: 9 }) }) },
  'a parameter that is a number': { params: Type.Object({ mediaId: Type.Integer() }) },
  'a rule for all parameters': { params: { ...text, maxProperties: 0 } },
  'a query beside the path': { params: text, querystring: Type.Object({ by: Type.String() }) },
  'a header beside the path': { params: text, headers: Type.Object({ by: Type.String() }) },
})) {
  test(`${what} is still checked`, async () => {
    assert.equal(await statusOf(schema, '/media/abc'), 400);
  });
}
