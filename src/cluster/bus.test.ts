import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBus } from './bus.ts';

test('everybody who listens for a message hears it, and nobody else', () => {
  const bus = createBus();
  const heard: string[] = [];
  using _first = bus.subscribe('upload_mxc', 'mxc://example.org/a', () => heard.push('first'));
  using _second = bus.subscribe('upload_mxc', 'mxc://example.org/a', () => heard.push('second'));
  using _other = bus.subscribe('upload_mxc', 'mxc://example.org/b', () => heard.push('other'));
  bus.publish('upload_mxc', 'mxc://example.org/a');
  assert.deepEqual(heard, ['first', 'second']);
});

test('who has stopped listening hears nothing more, also when that happens while others are told', () => {
  const bus = createBus();
  let heard = 0;
  const first = bus.subscribe('upload_mxc', 'x', () => {
    heard += 1;
    first[Symbol.dispose]();
  });
  bus.publish('upload_mxc', 'x');
  bus.publish('upload_mxc', 'x');
  assert.equal(heard, 1);
});
