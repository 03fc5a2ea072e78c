import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ToldEvent } from '@baton/contracts';
import { eventually } from '@baton/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { WITHIN, sealingOn, type Sealing } from '../test/sealing.ts';
import { testStores, type TestStores } from '../test/stores.ts';
import { checkpointPaths, readVerifierKeys } from './checkpoint-file.ts';

jest.setTimeout(60_000);

describe('checkpoints that the sealer writes', () => {
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

  it('are signed for what the log holds, and again only when it has grown', async () => {
    await on.append(5);
    expect(await on.sealOnce()).toBe('sealing');
    expect(await on.sealOnce()).toBe('sealing');
    await on.append(300);
    expect(await on.sealOnce()).toBe('sealing');
    expect(on.positions()).toEqual([5, 305]);
    expect((await readVerifierKeys(on.paths.keys)).map(({ text }) => text)).toEqual([on.key.verifier.text]);
    expect(await on.verified()).toMatchObject({
      log: { checked: 305 },
      checkpoints: { agreeing: 2, problem: null, last_agreeing: { position: 305 } },
    });
  });

  it('are not made of an empty log, nor by who does not lead', async () => {
    expect(await on.sealOnce()).toBe('sealing');
    await on.append(3);
    await on.sealer().close();
    expect(() => readFileSync(on.paths.checkpoints)).toThrow('ENOENT');
  });

  it('come when so many events were told, without reading them again', async () => {
    await on.append(1);
    let read = 0;
    const { log, epoch } = stores.open('relay');
    const counting = {
      head: log.head,
      readAfter: async (after: number, limit: number) => {
        const page = await log.readAfter(after, limit);
        read += page.length;
        return page;
      },
    };
    const sealer = await on.leading({ log: counting, epoch, events_max: 50 });
    const told: readonly ToldEvent[] = await on.append(49);
    sealer.follow(told);
    sealer.follow(told);
    expect(on.positions()).toEqual([1]);
    sealer.follow(await on.append(1));
    await eventually(() => on.positions().length === 2, WITHIN);
    expect(on.positions()).toEqual([1, 51]);
    // At the start the first; then the last of those that were told, for comparison.
    expect(read).toBe(2);
    expect((await on.verified()).checkpoints).toMatchObject({ agreeing: 2, problem: null });
  });

  it('come from one process after the other, each going on where the last has stopped', async () => {
    await on.append(2);
    const [first, second] = [await on.leading(), on.sealer()];
    first.lead(false);
    await on.append(2);
    second.lead(true);
    await eventually(() => on.positions().length === 2, WITHIN);
    await on.append(2);
    second.lead(false);
    first.lead(true);
    await eventually(() => on.positions().length === 3, WITHIN);
    expect(on.positions()).toEqual([2, 4, 6]);
  });

  it.each<[string, (position: number) => Promise<void>, RegExp]>([
    [
      'cut',
      (position) => on.cutBehind(position - 1),
      /position 10 is not in the log any more, which ends at 9; the last checkpoint, of 20.* is at 10/,
    ],
    ['rewritten', (position) => on.rewriteFrom(position), /position 10 of the log has hash/],
    [
      'cut and grown again',
      async (position) => {
        await on.cutBehind(position - 3);
        await on.append(20);
      },
      /position 10 of the log has hash/,
    ],
  ])('are refused for a log that was %s, until it is right again', async (_, tamper, why) => {
    await on.append(10);
    await on.sealOnce();
    await tamper(10);
    const before = readFileSync(on.paths.checkpoints, 'utf8');
    expect(await on.sealOnce()).toMatch(why);
    expect(readFileSync(on.paths.checkpoints, 'utf8')).toBe(before);
  });

  it('are refused where what was published is not what the log holds, though the last checkpoint agrees with both', async () => {
    await on.append(5);
    let said = '';
    const sealer = await on.leading({ events_max: 5, on_status: (_, why) => (said = why ?? '') });
    sealer.follow(await on.append(3));
    await on.rewriteFrom(7);
    sealer.follow(await on.append(2));
    await eventually(() => sealer.status() === 'refusing', WITHIN);
    expect(said).toContain('position 10 of the log has hash');
    expect(on.positions()).toEqual([5]);
  });

  it('go on after a power loss that cut the last one short', async () => {
    await on.append(5);
    await on.sealOnce();
    await on.append(5);
    await on.sealOnce();
    truncateSync(on.paths.checkpoints, readFileSync(on.paths.checkpoints).length - 40);
    expect((await on.verified()).checkpoints).toMatchObject({ agreeing: 1, cut_short: [8], problem: null });
    await on.append(5);
    expect(await on.sealOnce()).toBe('sealing');
    expect(on.positions()).toEqual([5, 15]);
    expect((await on.verified()).checkpoints).toMatchObject({ agreeing: 2, cut_short: [8], problem: null });
  });

  it('are missed where the file was put back while it was being written to', async () => {
    await on.append(5);
    await on.sealOnce();
    const older = readFileSync(on.paths.checkpoints);
    await on.append(5);
    const sealer = await on.leading({ interval_ms: 20 });
    expect(on.positions()).toEqual([5, 10]);
    writeFileSync(on.paths.checkpoints, older);
    await eventually(() => sealer.status() === 'refusing', WITHIN);
    await on.append(5);
    expect(on.positions()).toEqual([5]);
  });

  it('are of one log: another database is refused', async () => {
    await on.append(5);
    await on.sealOnce();
    expect(await on.sealOnce({ epoch: () => Promise.resolve('3f0a6f0e-6e4d-4c57-9a43-0d1c4ee3f0aa') })).toContain(
      'this is 3f0a6f0e',
    );
  });

  it('are made up for when the file can be written to again', async () => {
    await on.append(5);
    writeFileSync(join(on.directory, 'blocked'), '');
    const sealer = await on.leading({ paths: checkpointPaths(join(on.directory, 'blocked')) });
    expect(sealer.status()).toBe('failing');
    rmSync(join(on.directory, 'blocked'));
    await sealer.close();
    expect(readFileSync(join(on.directory, 'blocked', 'log.checkpoints'), 'utf8')).toContain('\n5\n');
  });
});
