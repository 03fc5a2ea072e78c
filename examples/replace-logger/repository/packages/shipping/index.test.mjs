import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capture } from '../legacy-log/index.mjs';
import { packParcels } from './index.mjs';

test('fills a parcel before it begins the next', () => {
  const order = { id: 'o-7', items: [{ weight: 20 }, { weight: 15 }, { weight: 10 }] };
  const lines = capture(() => assert.deepEqual(packParcels(order), [{ weight: 30 }, { weight: 15 }]));
  assert.match(lines.at(-1), /order packed.*o-7/);
});

test('says when an item is too heavy', () => {
  const lines = capture(() => packParcels({ id: 'o-8', items: [{ weight: 31 }] }));
  assert.match(lines[0], /parcel too heavy/);
});
