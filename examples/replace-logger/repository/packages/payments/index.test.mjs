import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capture } from '../legacy-log/index.mjs';
import { takePayment } from './index.mjs';

test('takes a payment and logs it', () => {
  const lines = capture(() => assert.equal(takePayment({ id: 'a-1', open: 17 }, 10).open, 7));
  assert.match(lines[0], /payment taken.*a-1/);
});

test('takes no more than is open', () => {
  const lines = capture(() => assert.throws(() => takePayment({ id: 'a-1', open: 5 }, 10), RangeError));
  assert.match(lines[0], /payment refused/);
});
