import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Bus, createBus } from '../cluster/index.ts';
import { createTokenCache } from './token-cache.ts';

const patient = new AbortController().signal;
const question = { token: 'secret token', clientAddress: '' };

/** Two processes; what one says, the other hears at once. */
function joinCaches() {
  const said: string[] = [];
  const listeners: ((message: string) => void)[] = [];
  const caches = [0, 1].map((index) => {
    const bus: Bus = {
      ...createBus(),
      publish(_channel, message) {
        said.push(message);
        listeners[1 - index]?.(message);
      },
      hearOthers(_channel, listener) {
        listeners[index] = listener;
        return { [Symbol.dispose]() {} };
      },
    };
    return createTokenCache({ bus, now: () => 0 });
  });
  const [one, other] = caches;
  assert.ok(one && other);
  return { one, other, said };
}

for (const [name, forget] of Object.entries({
  'the token': (cache: ReturnType<typeof createTokenCache>) => cache.forgetToken('example.org', question.token),
  'all tokens of the user': (cache: ReturnType<typeof createTokenCache>) => cache.forgetUser('@alice:example.org'),
})) {
  test(`when one process forgets ${name}, the others do, and nobody is told the token`, async () => {
    const { one, other, said } = joinCaches();
    const alice = { userId: '@alice:example.org', isGuest: false };
    for (const cache of [one, other]) await cache.whoami('example.org', question, 60, patient, async () => alice);
    const bob = { userId: '@bob:example.org', isGuest: false };
    await other.whoami('example.org', { ...question, token: 'of bob' }, 60, patient, async () => bob);
    assert.deepEqual(other.recall('example.org', question, 60), alice);
    forget(one);
    assert.equal(other.recall('example.org', question, 60), undefined);
    assert.deepEqual(other.recall('example.org', { ...question, token: 'of bob' }, 60), bob);
    assert.doesNotMatch(said.join(), /secret token/);
  });
}
