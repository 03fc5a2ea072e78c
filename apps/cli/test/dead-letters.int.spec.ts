import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { INBOUND } from '@baton/contracts';
import type { DeadLetter } from '@baton/ports';
import type { EventStore } from '@baton/event-store';
import { EXIT } from '../src/exit-codes.ts';
import { elsewhere, letterAt, type Elsewhere } from './elsewhere.ts';

jest.setTimeout(120_000);
const CONSUMER = 'release-react';
const EVENTS = 20;

describe('dead letters of a stack that runs elsewhere', () => {
  let stack: Elsewhere;
  let release: EventStore;
  /** Position of the last event that was handled before this test. */
  let start = 0;
  beforeAll(async () => {
    stack = await elsewhere();
    release = stack.store('release');
  }, 180_000);
  afterAll(() => stack?.close());
  beforeEach(async () => {
    start = (await release.log.head()).position;
    await stack.append(EVENTS);
  });

  const from = (position: number): readonly number[] =>
    Array.from({ length: start + EVENTS - position + 1 }, (_, nth) => position + nth);
  const all = (positions: readonly number[]): boolean => positions.includes(start + EVENTS);
  const watermark = async (): Promise<number | undefined> => (await release.watermarks.read()).get(CONSUMER);
  const statusOf = async ({ id }: DeadLetter): Promise<string | undefined> =>
    (await release.deadLetters.list()).find((letter) => letter.id === id)?.status;

  it('gives back both letters that are replayed one after the other while nobody takes anything', async () => {
    await stack.handled(CONSUMER, all);
    await release.watermarks.advance(CONSUMER, start + EVENTS);
    const [early, late] = [letterAt(CONSUMER, start + 5), letterAt(CONSUMER, start + 12)];
    for (const letter of [early, late]) await release.deadLetters.park(letter);

    expect(await stack.baton(['deadletters', 'replay', early.id])).toMatchObject({ exit: EXIT.ok });
    expect(await watermark()).toBe(start + 4);
    expect(await stack.baton(['deadletters', 'replay', late.id])).toMatchObject({ exit: EXIT.ok });

    // Also a bus that is lost now is made again from there.
    expect(await watermark()).toBe(start + 4);
    expect(await stack.handled(CONSUMER, all)).toEqual(from(start + 5));
    expect([await statusOf(early), await statusOf(late)]).toEqual(['replayed', 'replayed']);
  });

  it('forgets nothing of what the consumer has still to handle', async () => {
    const held = start + 3;
    await stack.handled(CONSUMER, all, held);
    const letter = letterAt(CONSUMER, start + 12);
    await release.deadLetters.park(letter);
    expect(await stack.baton(['deadletters', 'replay', letter.id])).toMatchObject({ exit: EXIT.ok });
    expect(await stack.handled(CONSUMER, all)).toEqual(from(held));
  });

  it('replays no request of another version: this release would take it for its own', async () => {
    const { subject } = INBOUND.SubmitMission;
    const letter: DeadLetter = {
      ...letterAt('intake-inbound', 1),
      subject,
      position: null,
      stream: null,
      headers: { 'ce-type': `${subject}.v2` },
    };
    await stack.store('intake').deadLetters.park(letter);
    expect(await stack.baton(['deadletters', 'replay', letter.id])).toMatchObject({
      exit: EXIT.refused,
      stderr: expect.stringContaining('after the upgrade'),
    });
    expect(await stack.store('intake').deadLetters.find(letter.id)).toMatchObject({ status: 'parked' });
  });

  it('discards one, with the password of its owner only', async () => {
    await stack.handled(CONSUMER, all);
    const letter = letterAt(CONSUMER, start + 1);
    await release.deadLetters.park(letter);
    const denied = await stack.baton(['deadletters', 'discard', letter.id], { BATON_PG_PASSWORD_RELEASE: '' });
    expect(denied).toMatchObject({ exit: EXIT.invalid, stderr: expect.stringContaining('BATON_PG_PASSWORD_RELEASE') });
    expect(await statusOf(letter)).toBe('parked');
    expect(await stack.baton(['deadletters', 'discard', letter.id])).toMatchObject({ exit: EXIT.ok });
    expect(await statusOf(letter)).toBe('discarded');
  });

  it('settles nothing where the bus does not carry the event any more, and says how it comes back', async () => {
    await stack.handled(CONSUMER, all);
    await stack.allHandledUpTo(start + EVENTS);
    expect(await stack.baton(['rebuild', 'bus', '--no-checkpoints'])).toMatchObject({ exit: EXIT.ok });
    const letter = letterAt(CONSUMER, start + 6);
    await release.deadLetters.park(letter);

    const refused = await stack.baton(['deadletters', 'replay', letter.id]);
    const rebuild = ['rebuild', 'bus', '--from', String(start + 6)];
    expect(refused).toMatchObject({ exit: EXIT.refused, stderr: expect.stringContaining(`baton ${rebuild.join(' ')}`) });
    expect(await statusOf(letter)).toBe('parked');

    expect(await stack.baton([...rebuild, '--no-checkpoints'])).toMatchObject({ exit: EXIT.ok });
    expect(await stack.baton(['deadletters', 'replay', letter.id])).toMatchObject({ exit: EXIT.ok });
    expect(await stack.handled(CONSUMER, all)).toEqual(from(start + 6));
  });
});
