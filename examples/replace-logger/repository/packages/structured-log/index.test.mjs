import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capture, logger } from './index.mjs';

test('logs fields beside the message', () => {
  const [line] = capture(() => logger('stock').warn('stock is low', { left: 2, article: 'tea' }));
  assert.deepEqual(JSON.parse(line), { level: 'warn', service: 'stock', message: 'stock is low', left: 2, article: 'tea' });
});
