import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRegion, wantsPathStyle } from './region.ts';

test('the region is the configured one, else what the name of the endpoint says', () => {
  for (const [configured, endpoint, name, isKnown] of [
    ['eu-north-1', 's3.eu-west-1.amazonaws.com', 'eu-north-1', true],
    ['', 's3.eu-west-1.amazonaws.com', 'eu-west-1', true],
    ['', 's3-us-west-2.amazonaws.com', 'us-west-2', true],
    ['', 's3.dualstack.ap-southeast-2.amazonaws.com', 'ap-southeast-2', true],
    ['', 's3.cn-north-1.amazonaws.com.cn', 'cn-north-1', true],
    ['', 's3.amazonaws.com', 'us-east-1', false],
    ['', 's3.fr-par.scw.cloud', 'fr-par', true],
    ['', 'sfo2.digitaloceanspaces.com', 'sfo2', true],
    ['', 'minio.example.org:9000', 'us-east-1', false],
    ['', '127.0.0.1:3900', 'us-east-1', false],
  ] as const) {
    const region = createRegion(configured, endpoint);
    assert.deepEqual([region.name, region.isKnown], [name, isKnown], endpoint);
  }
});

test('a service that names the right region is believed, unless the operator has named one', () => {
  const error = Object.assign(new Error('the region is wrong'), { Region: 'garage' });
  const open = createRegion('', '127.0.0.1:3900');
  assert.equal(open.learn(error), true);
  assert.deepEqual([open.name, open.isKnown], ['garage', true]);
  assert.equal(open.learn(error), false);
  assert.equal(createRegion('eu-west-1', 's3.example.org').learn(error), false);
  for (const Region of [undefined, 7, 'a b', ''])
    assert.equal(createRegion('', 'a').learn(Object.assign(new Error(), { Region })), false);
  const $response = { headers: { 'x-amz-bucket-region': 'eu-west-3' } };
  assert.equal(open.learn(Object.assign(new Error('moved'), { $response })), true);
  assert.equal(open.name, 'eu-west-3');
});

test('the bucket goes in front of the host where providers have names for it, and behind it elsewhere', () => {
  for (const [style, endpoint, bucket, ssl, isPath] of [
    ['auto', 's3.eu-west-1.amazonaws.com', 'media', true, false],
    ['auto', 's3.eu-west-1.amazonaws.com', 'media.example.org', true, true],
    ['auto', 's3.eu-west-1.amazonaws.com', 'media.example.org', false, false],
    ['auto', 'storage.googleapis.com', 'media', true, false],
    ['auto', 'oss-eu-central-1.aliyuncs.com', 'media', true, false],
    ['auto', 'minio.example.org:9000', 'media', false, true],
    ['auto', 'notamazonaws.com', 'media', true, true],
    ['auto', 'fra1.digitaloceanspaces.com', 'media', true, true],
    ['virtualHost', 'fra1.digitaloceanspaces.com', 'media', true, false],
    ['path', 's3.eu-west-1.amazonaws.com', 'media', true, true],
  ] as const) {
    assert.equal(wantsPathStyle(style, endpoint, bucket, ssl), isPath, `${style} ${endpoint} ${bucket}`);
  }
});
