import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventRecord } from '@baton/contracts';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { marksOf, type Marks } from './marks.ts';

describe('what was said since a mark', () => {
  let logs: string;
  let marks: Marks;
  let events: EventRecord[];
  const log = (name = 'relay.log'): string => join(logs, name);
  const recorded = (...positions: readonly number[]): void =>
    void events.push(...positions.map((position) => ({ position }) as EventRecord));

  beforeEach(async () => {
    logs = await mkdtemp(join(process.env['BATON_TEST_RUN_DIRECTORY'] ?? tmpdir(), 'marks-'));
    events = [];
    marks = marksOf(logs, { events, refresh: () => Promise.resolve() });
    await writeFile(log(), 'before\n');
  });
  afterEach(() => rm(logs, { recursive: true, force: true }));

  it('is everything where there is no mark', async () => {
    recorded(1, 2);
    expect(await marks.logOf('relay')).toBe('before\n');
    expect(marks.eventsSince()).toHaveLength(2);
  });

  it('is what came behind it, in characters of any length', async () => {
    await appendFile(log(), 'größer\n');
    recorded(1, 2);
    await marks.mark();
    await appendFile(log(), 'after\n');
    recorded(3);
    expect(await marks.logOf('relay')).toBe('after\n');
    expect(marks.eventsSince().map(({ position }) => position)).toEqual([3]);
  });

  it('is in the log that was put aside too, and in all of the one that followed', async () => {
    await marks.mark();
    await appendFile(log(), 'a little\n');
    await rename(log(), log('relay.log.1'));
    await writeFile(log(), 'and more\n');
    expect(await marks.logOf('relay')).toBe('a little\nand more\n');
  });

  it('is all of a log that was not there', async () => {
    await marks.mark();
    await writeFile(log('planner.log'), 'first\n');
    expect(await marks.logOf('planner')).toBe('first\n');
  });
});
