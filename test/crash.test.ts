import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crashAndLook } from './crash-rounds.ts';
import { ENGINES } from './service.ts';

/** `script/soak` asks for more. */
const soak = process.env['VITRINE_SOAK_ROUNDS'];
const ROUNDS = { sqlite: Number(soak ?? 50), postgres: Number(soak ?? 10) } as const;

for (const engine of ENGINES) {
  const rounds = ROUNDS[engine.name];
  test(`on ${engine.name}: nothing that was answered is lost when the process is killed, ${rounds} times`, {
    skip: engine.skip,
  }, async (t) => {
    const answered = await crashAndLook(t, engine, rounds);
    t.diagnostic(`${answered} uploads were answered`);
    assert.ok(answered > rounds, 'too few uploads were through for the test to mean something');
  });
}
