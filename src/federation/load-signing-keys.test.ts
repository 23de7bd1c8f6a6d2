import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { formatKeyFile } from './key-files/key-file.ts';
import { loadSigningKeys, SigningKeysError } from './load-signing-keys.ts';
import { generateSigningKey } from './signing-key.ts';

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-keys-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

test('each domain signs with the first key of its file, in whichever format, and a domain without a file with none', async (t) => {
  const folder = await makeFolder(t);
  const [first, second, other] = [generateSigningKey(), generateSigningKey(), generateSigningKey()];
  const [shared, own] = [join(folder, 'shared.key'), join(folder, 'own.key')];
  await writeFile(shared, formatKeyFile('mmr', [first, second]));
  await writeFile(own, formatKeyFile('synapse', [other]));
  const keys = await loadSigningKeys([
    { serverName: 'one.example', signingKeyPath: shared },
    { serverName: 'two.example', signingKeyPath: shared },
    { serverName: 'three.example:8448', signingKeyPath: own },
    { serverName: 'four.example', signingKeyPath: '' },
  ]);
  assert.deepEqual(
    [...keys].map(([serverName, { keyId }]) => [serverName, keyId]),
    [
      ['one.example', first.keyId],
      ['two.example', first.keyId],
      ['three.example:8448', other.keyId],
    ],
  );
});

test('all key files that cannot be used are told at once, with file and line, and whose they are', async (t) => {
  const folder = await makeFolder(t);
  const broken = join(folder, 'broken.key');
  await writeFile(broken, `ed25519 a AAAA\n`);
  await assert.rejects(
    loadSigningKeys([
      { serverName: 'one.example', signingKeyPath: broken },
      { serverName: 'two.example', signingKeyPath: broken },
      { serverName: 'three.example', signingKeyPath: join(folder, 'missing.key') },
      { serverName: 'four.example', signingKeyPath: folder },
    ]),
    (error) => {
      assert.ok(error instanceof SigningKeysError);
      const [head, first, second, third] = error.message.split('\n');
      assert.equal(head, 'These signing keys cannot be used:');
      assert.match(
        first ?? '',
        /broken\.key:1: the key has 3 bytes.*\(signingKeyPath of one\.example, two\.example\)$/,
      );
      assert.match(
        second ?? '',
        /missing\.key: the file cannot be read \(ENOENT.*\(signingKeyPath of three\.example\)$/,
      );
      assert.match(third ?? '', /the file cannot be read \(EISDIR/);
      return true;
    },
  );
});
