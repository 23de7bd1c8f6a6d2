import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDevelopmentSwitches } from './development-switches.ts';

test('nothing is switched on by anything but "true"', () => {
  const off = { plainHttp: false, anyCertificate: false };
  for (const value of [undefined, '', 'false', '1', 'TRUE', 'yes']) {
    const env = { MEDIA_REPO_HTTP_ONLY_FEDERATION: value, MEDIA_REPO_UNSAFE_FEDERATION: value };
    assert.deepEqual(readDevelopmentSwitches(env), off);
  }
  const plainHttp = readDevelopmentSwitches({ MEDIA_REPO_HTTP_ONLY_FEDERATION: 'true' });
  assert.deepEqual(plainHttp, { ...off, plainHttp: true });
  const anyCertificate = readDevelopmentSwitches({ MEDIA_REPO_UNSAFE_FEDERATION: 'true' });
  assert.deepEqual(anyCertificate, { ...off, anyCertificate: true });
});
