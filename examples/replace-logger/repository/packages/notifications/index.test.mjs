import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capture } from '../legacy-log/index.mjs';
import { notify } from './index.mjs';

const texts = { en: 'Hello {name}', de: 'Hallo {name}' };

test('writes in the language of the customer', () => {
  const lines = capture(() => assert.equal(notify({ name: 'Ada', language: 'de' }, 'shipped', texts), 'Hallo Ada'));
  assert.match(lines[0], /customer notified.*Ada/);
});

test('falls back to English and says so', () => {
  const lines = capture(() => assert.equal(notify({ name: 'Ada', language: 'fr' }, 'shipped', texts), 'Hello Ada'));
  assert.match(lines[0], /language missing.*fr/);
});
