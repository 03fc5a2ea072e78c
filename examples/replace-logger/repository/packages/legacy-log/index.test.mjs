import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capture, log } from './index.mjs';

test('puts values into the sentence', () => {
  assert.deepEqual(
    capture(() => log.warn('stock is low: %s of %s', 2, 'tea')),
    ['WARN stock is low: 2 of tea'],
  );
});
