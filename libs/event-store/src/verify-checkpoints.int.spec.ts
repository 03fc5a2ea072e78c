import { appendFileSync, readFileSync } from 'node:fs';
import { eventually } from '@baton/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { WITHIN, sealingOn, type Sealing } from '../test/sealing.ts';
import { testStores, type TestStores } from '../test/stores.ts';
import { SEALER_KEY_NAME, signCheckpoint, type Checkpoint } from './checkpoint.ts';
import { appendNote } from './checkpoint-file.ts';
import { newSigningKey, readSigningKey } from './signed-note.ts';

jest.setTimeout(60_000);

describe('checkpoints of a log in Postgres', () => {
  let stores: TestStores;
  let on: Sealing;
  beforeAll(async () => {
    stores = await testStores();
  });
  afterAll(() => stores.drop());
  beforeEach(() => {
    on = sealingOn(stores);
  });
  afterEach(() => on.close());

  it('show that the end was cut off, which the log alone does not', async () => {
    await on.append(10);
    await on.sealOnce();
    await on.append(10);
    await on.sealOnce();
    await on.cutBehind(12);
    const { log, checkpoints } = await on.verified();
    expect(log.first_bad).toBeUndefined();
    const sealed_at = on.inFile().checkpoints[1]?.sealed_at ?? 'none';
    expect(checkpoints).toMatchObject({ agreeing: 1, last_agreeing: { position: 10 }, first_disagreeing: { position: 20 } });
    expect(checkpoints.problem).toContain(`the log ends at 12, the checkpoint of ${sealed_at} says 20`);
  });

  it('show that history was rewritten, which the log alone does not, and where', async () => {
    for (let wave = 0; wave < 4; wave++) {
      await on.append(5);
      await on.sealOnce();
    }
    await on.rewriteFrom(8);
    const { log, checkpoints } = await on.verified();
    expect(log.first_bad).toBeUndefined();
    expect(checkpoints).toMatchObject({ agreeing: 1, last_agreeing: { position: 5 }, first_disagreeing: { position: 10 } });
    expect(checkpoints.problem).toMatch(/position 10 has hash .* history was rewritten between 6 and 10/);
  });

  it('say nothing of what lies behind an event that is not right itself', async () => {
    await on.append(5);
    await on.sealOnce();
    await on.append(5);
    await on.sealOnce();
    await on.asSuperuser(`UPDATE baton.events SET data = data || ' ' WHERE position = 7`);
    expect(await on.verified()).toMatchObject({
      log: { first_bad: { position: 7 } },
      checkpoints: { agreeing: 1, not_compared: 1, problem: null },
    });
  });

  it('go on, in a new start that says why, when an operator has recorded one', async () => {
    await on.append(10);
    await on.sealOnce();
    await on.append(10);
    await on.sealOnce();
    await on.cutBehind(12);
    const sealer = await on.leading({ interval_ms: 20 });
    await eventually(() => sealer.status() === 'refusing', WITHIN);
    const { head } = (await on.verified()).log;
    const epoch = await stores.open('auditor').epoch();
    const begins = { keeps: 10, reason: 'restored the dump' };
    const first: Checkpoint = { epoch, start: 2, ...head, sealed_at: new Date().toISOString(), begins };
    await appendNote(on.paths.checkpoints, signCheckpoint(first, on.key));
    await eventually(() => sealer.status() === 'sealing', WITHIN);
    await on.append(20);
    await eventually(() => on.positions().at(-1) === 32, WITHIN);
    expect((await on.verified()).checkpoints).toMatchObject({
      problem: null,
      agreeing: 3,
      new_starts: [{ start: 2, keeps: 10, reason: 'restored the dump', set_aside: 1 }],
    });
    await on.rewriteFrom(9);
    expect((await on.verified()).checkpoints).toMatchObject({ first_disagreeing: { position: 10, start: 1 } });
  });

  it('count for nothing where they are signed with another key', async () => {
    await on.append(5);
    await on.sealOnce();
    const other = readSigningKey(newSigningKey(SEALER_KEY_NAME));
    expect((await on.verified([other.verifier])).checkpoints).toMatchObject({
      agreeing: 0,
      problem: expect.stringContaining('no checkpoint is signed with this key'),
    });
    expect(await on.sealOnce({ key: other })).toContain('our key is another than those in');
    expect(on.positions()).toEqual([5]);
  });

  it('are found forged, and the file is left alone then', async () => {
    await on.append(5);
    await on.sealOnce();
    const [note = ''] = readFileSync(on.paths.checkpoints, 'utf8').split(/(?<==\n)\n/);
    appendFileSync(on.paths.checkpoints, `${note.replace('\n5\n', '\n3\n')}\n`);
    await on.append(5);
    expect((await on.verified()).checkpoints).toMatchObject({
      agreeing: 1,
      problem: expect.stringMatching(/a checkpoint names our key and is not signed with it \(line 8\)/),
    });
    expect(await on.sealOnce()).toContain('holds what was not signed with');
    expect(on.positions()).toEqual([5]);
  });
});
