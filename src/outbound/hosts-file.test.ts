import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findInHosts } from './hosts-file.ts';

const HOSTS = `# of this machine
127.0.0.1\tlocalhost
::1     localhost ip6-localhost   # both
10.0.0.7 Matrix.example.org matrix
#10.0.0.8 example.org

10.0.0.9
`;

for (const [name, addresses] of [
  ['localhost', ['127.0.0.1', '::1']],
  ['ip6-localhost', ['::1']],
  ['matrix.EXAMPLE.org', ['10.0.0.7']],
  ['matrix', ['10.0.0.7']],
  ['example.org', []],
  ['both', []],
  ['', []],
] as const) {
  test(`a hosts file gives ${addresses.length} addresses to "${name}"`, () => {
    assert.deepEqual(findInHosts(HOSTS, name), addresses);
  });
}
