import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { appendOf, storedBy } from '@baton/testing';
import { testStores, type TestStores } from '../test/stores.ts';
import { hashOf } from './hash-chain.ts';
import { verifyLog } from './verify.ts';

/** The first spec of a run may have to wait for Postgres to be made. */
const SET_UP_MS_MAX = 60_000;

describe('verifyLog', () => {
  let stores: TestStores;
  beforeAll(async () => {
    stores = await testStores();
  }, SET_UP_MS_MAX);
  afterAll(() => stores.drop());
  beforeEach(async () => {
    const { log } = stores.open('intake');
    storedBy(await log.append(appendOf(3, { stream: 'mission-a' })));
    storedBy(await log.append(appendOf(2, { stream: 'mission-b' })));
    storedBy(await log.append(appendOf(1, { stream: 'mission-a', expected_version: 3 })));
  });
  afterEach(() => stores.empty());
  const verified = () => verifyLog(stores.open('auditor').log);

  it('finds nothing in a log that nobody touched, or that is empty', async () => {
    expect(await verified()).toEqual({ checked: 6, head: await stores.open('auditor').log.head() });
    await stores.empty();
    expect(await verified()).toEqual({ checked: 0, head: { position: 0, hash: '0'.repeat(64) } });
  });

  it.each<[string, string, number, RegExp]>([
    ['data edited', "UPDATE baton.events SET data = data || ' ' WHERE position = 3", 3, /hash is/],
    ['meta edited', "UPDATE baton.events SET meta = '{}' WHERE position = 1", 1, /hash is/],
    ['a type edited', "UPDATE baton.events SET type = 'Other' WHERE position = 5", 5, /hash is/],
    ['an id edited', 'UPDATE baton.events SET id = gen_random_uuid() WHERE position = 2', 2, /hash is/],
    [
      'a time moved by a microsecond',
      "UPDATE baton.events SET recorded_at = recorded_at + interval '1 microsecond' WHERE position = 4",
      4,
      /hash is/,
    ],
    ['a hash edited', "UPDATE baton.events SET hash = sha256('x') WHERE position = 2", 2, /hash is/],
    ['a stream renamed', "UPDATE baton.events SET stream = 'mission-c' WHERE stream = 'mission-b'", 4, /hash is/],
    ['a version moved', 'UPDATE baton.events SET version = 9 WHERE position = 6', 6, /version 9 of mission-a follows version 3/],
    ['an event deleted', 'DELETE FROM baton.events WHERE position = 4', 4, /missing: the next event is at 5/],
    ['the last event deleted', 'DELETE FROM baton.events WHERE position = 6', 6, /missing: the head says 6/],
    [
      'two events swapped',
      'UPDATE baton.events SET position = -position WHERE position IN (2, 3); UPDATE baton.events SET position = 5 + position WHERE position < 0',
      2,
      /version 3 of mission-a follows version 1/,
    ],
    [
      'the head put back',
      'UPDATE baton.log_head SET position = 5, hash = (SELECT hash FROM baton.events WHERE position = 5)',
      6,
      /beyond the head/,
    ],
    ['the head with another hash', "UPDATE baton.log_head SET hash = sha256('x')", 6, /the head has hash/],
  ])('finds %s', async (_, tamper, position, problem) => {
    const superuser = await stores.connect(null);
    await superuser.query('ALTER TABLE baton.events DISABLE TRIGGER ALL');
    await superuser.query(tamper);
    expect((await verified()).first_bad).toEqual({ position, problem: expect.stringMatching(problem) });
  });

  it('finds an event that was edited together with its hash, at the next one', async () => {
    const [, second, third] = await stores.open('auditor').log.readAfter(0, 3);
    if (second === undefined || third === undefined) throw new Error('three events were appended');
    const superuser = await stores.connect(null);
    await superuser.query('ALTER TABLE baton.events DISABLE TRIGGER ALL');
    const edited = { ...third, data: '{"edited":true}' };
    await superuser.query('UPDATE baton.events SET data = $1, hash = $2 WHERE position = 3', [
      edited.data,
      Buffer.from(hashOf(second.hash, edited), 'hex'),
    ]);
    expect((await verified()).first_bad).toMatchObject({ position: 4 });
  });

  it('verifies what is there while the log grows', async () => {
    const auditor = stores.open('auditor').log;
    const intake = stores.open('intake').log;
    const readAfter: typeof auditor.readAfter = async (after, limit) => {
      const page = await auditor.readAfter(after, limit);
      storedBy(await intake.append(appendOf(1)));
      return page;
    };
    expect(await verifyLog({ head: auditor.head, readAfter })).toMatchObject({ checked: 6 });
    expect(await verified()).toMatchObject({ checked: 8 });
  });

  it('names the first event that the disk does not give back, and passes on every other failure', async () => {
    const { log } = stores.open('auditor');
    const unreadable = (code: string) => ({
      head: log.head,
      readAfter: (after: number, limit: number) =>
        after + limit >= 4
          ? Promise.reject(Object.assign(new Error('invalid page in block 1'), { code }))
          : log.readAfter(after, limit),
    });
    expect(await verifyLog(unreadable('XX001'))).toMatchObject({
      checked: 3,
      first_bad: { position: 4, problem: 'cannot be read: invalid page in block 1' },
    });
    await expect(verifyLog(unreadable('57P01'))).rejects.toThrow('invalid page');
  });
});
