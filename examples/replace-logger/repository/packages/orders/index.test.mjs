import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capture } from '../legacy-log/index.mjs';
import { placeOrder } from './index.mjs';

const order = {
  id: 'o-7',
  customer: 'ada',
  lines: [
    { price: 3, count: 4 },
    { price: 5, count: 1 },
  ],
};

test('adds up the lines of an order and logs it', () => {
  const lines = capture(() => assert.equal(placeOrder(order).total, 17));
  assert.equal(lines.length, 1);
  assert.match(lines[0], /order placed.*o-7/);
});

test('refuses an order without lines', () => {
  const lines = capture(() => assert.equal(placeOrder({ ...order, lines: [] }), null));
  assert.match(lines[0], /order refused.*o-7/);
});
