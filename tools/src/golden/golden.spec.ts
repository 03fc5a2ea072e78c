import { describe, expect, it } from '@jest/globals';
import { describeEvent, parseData } from '@baton/contracts';
import { CATEGORIES, corpusFiles, readCorpus, replayed, stateHash } from './corpus.ts';
import { lacking, schemaOf } from './make.ts';
import { narrowings } from './narrowings.ts';

const HOW_TO_ADD =
  'a released event never changes its meaning: raise its version in libs/contracts/src/events.ts, upcast the older one in record.ts, then npm run golden';

describe('what was released', () => {
  it('is kept for every kind of stream', async () => {
    expect(await corpusFiles()).toEqual(CATEGORIES.map((category) => `${category}.jsonl`).toSorted());
  });

  it.each(CATEGORIES)('of %s is all in the corpus, up to its newest version', async (category) => {
    const { events, histories } = lacking(category, await readCorpus(category));
    const missing = [...events.map(({ event, version }) => `${event} v${version}`), ...histories.map(({ history }) => history)];
    expect({ missing, fix: missing.length > 0 ? 'npm run golden adds what is new' : '' }).toEqual({ missing: [], fix: '' });
  });

  it.each(CATEGORIES)('of %s is read with everything that was written', async (category) => {
    for (const { event, version, data } of (await readCorpus(category)).events) {
      expect([event, describeEvent(event)?.category]).toEqual([event, category]);
      expect(parseData(event, version, JSON.stringify(data))).toMatchObject({ type: event, data });
    }
  });

  it.each(CATEGORIES)('of %s fits: no schema takes less than it took', async (category) => {
    for (const { event, version, schema } of (await readCorpus(category)).events) {
      const known = describeEvent(event);
      if (known?.version !== version) continue;
      const narrowed = narrowings(schema, schemaOf(known.schema));
      expect({ event, narrowed, fix: narrowed.length > 0 ? HOW_TO_ADD : '' }).toEqual({ event, narrowed: [], fix: '' });
    }
  });

  it.each(CATEGORIES)('of %s leads to the states it led to', async (category) => {
    const { histories } = await readCorpus(category);
    expect(histories.length).toBeGreaterThan(0);
    for (const { history, events, state } of histories) {
      const now = stateHash(replayed(category, events));
      const fix =
        now === state
          ? ''
          : 'where only the shape of the state changed, npm run golden -- --repin; otherwise the past means something else now';
      expect({ history, state: now, fix }).toEqual({ history, state, fix: '' });
    }
  });
});

describe('a schema that takes less', () => {
  const text = { type: 'string' };
  const object = (properties: object, required: readonly string[] = []) => ({ type: 'object', properties, required });
  it.each([
    ['a field is gone', object({ a: text }), object({}), 'data.a: is gone'],
    ['a field is required', object({ a: text }), object({ a: text }, ['a']), 'data.a: could be left out, is required now'],
    ['another type', object({ a: text }), object({ a: { type: 'number' } }), 'data.a: string is not taken any more, only number'],
    ['a value is gone', { enum: ['a', 'b'] }, { enum: ['a'] }, 'data: "b" is not taken any more'],
    ['a limit is tighter', { ...text, maxLength: 9 }, { ...text, maxLength: 8 }, 'data: maxLength was 9, is 8 now'],
    ['a limit is new', text, { ...text, minLength: 1 }, 'data: had no minLength, has 1 now'],
    ['a pattern is new', text, { ...text, pattern: '^a' }, 'data: pattern was any, is ^a now'],
    [
      'in a list',
      { type: 'array', items: { enum: [1, 2] } },
      { type: 'array', items: { enum: [1] } },
      'data[]: 2 is not taken any more',
    ],
    [
      'null is not taken',
      { anyOf: [text, { type: 'null' }] },
      text,
      'data: form 2 of 2 is not taken any more (data: null is not taken any more, only string)',
    ],
  ])('is told of: %s', (_name, older, newer, told) => {
    expect(narrowings(older, newer)).toEqual([told]);
    expect(narrowings(older, older)).toEqual([]);
  });

  it('is not one that takes more', () => {
    const older = object({ a: { ...text, maxLength: 8 }, b: { enum: ['x'] }, c: { type: 'integer' } }, ['a', 'b']);
    const newer = object({ a: text, b: { enum: ['x', 'y'] }, c: { anyOf: [{ type: 'number' }, { type: 'null' }] }, d: text }, [
      'a',
    ]);
    expect(narrowings(older, newer)).toEqual([]);
  });
});
