import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeConfig } from '../../test/config.ts';
import { ConfigError, formatProblem } from './index.ts';

const shards = [{ name: 'one', addr: 'redis.example.org:6379' }];

async function complaints(redis: Readonly<Record<string, unknown>>): Promise<string> {
  try {
    await makeConfig({ redis: { enabled: true, ...redis } });
    return '';
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(formatProblem).join('\n');
    throw error;
  }
}

const CASES: readonly [redis: Readonly<Record<string, unknown>>, complaint: RegExp][] = [
  [{ shards }, /^$/],
  [{ enabled: false }, /^$/],
  [{}, /redis\.shards: there is none/],
  [{ shards: [...shards, ...shards] }, /redis\.shards\[1\]\.name: "one" is in the list already/],
  [{ shards: [{ name: 'one', addr: '' }] }, /redis\.shards\[0\]\.addr/],
  [
    { shards, mode: 'cluster', databaseNumber: 1 },
    /redis\.databaseNumber: "1" was found; allowed with mode cluster: 0/,
  ],
  [{ shards, mode: 'sentinel' }, /redis\.sentinel\.masterName: is missing/],
  [{ shards, mode: 'sentinel', sentinel: { masterName: 'ours' } }, /^$/],
  [
    { shards: [{ name: 'one', addr: '/redis.sock' }], mode: 'cluster' },
    /redis\.shards\[0\]\.addr: "\/redis.sock" is a socket/,
  ],
  [{ shards, tls: { enabled: true, certFile: 'a.pem' } }, /redis\.tls: has one of certFile and keyFile/],
  [{ shards, mode: 'sharded' }, /redis\.mode/],
];
for (const [redis, complaint] of CASES) {
  test(`redis: ${JSON.stringify(redis)} is told: ${complaint.source}`, async () => {
    assert.match(await complaints(redis), complaint);
  });
}
