import { memoryLeases } from '@baton/simulation';
import { eventually } from '@baton/testing';
import type { Leases } from '@baton/ports';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { targetLocks, type TargetLocks } from './target-locks.ts';

const WITHIN = { within_ms: 5_000 };
const MAIN = { url: 'https://example.test/shop.git', target: 'main' };
const STABLE = { ...MAIN, target: 'stable' };
const OTHER = { ...MAIN, url: 'https://example.test/other.git' };
const never_aborted = new AbortController().signal;
/** Lets everything run that waits for nothing. */
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('target locks', () => {
  let leases: Leases;
  let locks: TargetLocks;
  /** Whoever asked for a lease, in order, and was given it or not. */
  let asked: { readonly holder: string; readonly given: boolean }[];
  let holding: Set<string>;
  let acquired: string[];
  beforeEach(() => {
    const kept = memoryLeases(() => performance.now());
    asked = [];
    holding = new Set();
    acquired = [];
    leases = {
      ...kept,
      acquire: async (lease) => {
        const fence = await kept.acquire(lease);
        asked.push({ holder: lease.holder, given: fence !== null });
        return fence;
      },
    };
    locks = targetLocks(leases, 'r1');
  });
  const acquire = async (stream: string, repository: typeof MAIN | null = MAIN, signal = never_aborted, by = locks) => {
    await by.acquire(repository, { stream, signal });
    holding.add(stream);
    acquired.push(stream);
  };
  const release = async (stream: string, by = locks): Promise<void> => {
    holding.delete(stream);
    await by.release(stream);
  };
  // What is held is renewed by a timer, which would keep this process alive.
  afterEach(() => Promise.all([...holding].map((stream) => locks.release(stream))));
  const triedInVain = (holder: string, times: number): Promise<unknown> =>
    eventually(() => asked.filter((one) => one.holder === holder && !one.given).length >= times, WITHIN);

  it('lets two streams on one target take turns, in the order in which they came', async () => {
    await acquire('release-a');
    const second = acquire('release-b');
    const third = acquire('release-c');
    await settled();
    expect(acquired).toEqual(['release-a']);
    await release('release-a');
    await second;
    await settled();
    expect(acquired).toEqual(['release-a', 'release-b']);
    await release('release-b');
    await third;
    expect(acquired).toEqual(['release-a', 'release-b', 'release-c']);
    // They queue in the process: nobody asked the database in vain.
    expect(asked.map(({ given }) => given)).toEqual([true, true, true]);
  });

  it('lets nobody wait for another branch, another repository or documents', async () => {
    await acquire('release-a');
    await acquire('release-b', STABLE);
    await acquire('release-c', OTHER);
    await acquire('release-d', null);
    await acquire('release-e', null);
    expect(acquired).toEqual(['release-a', 'release-b', 'release-c', 'release-d', 'release-e']);
    expect(asked).toHaveLength(3);
  });

  it('gives a stream at once what it holds already, and gives it back once', async () => {
    await acquire('release-a');
    await acquire('release-a');
    expect(asked).toHaveLength(1);
    const next = acquire('release-b');
    await release('release-a');
    await next;
    // A second time gives back nothing that is another's by now.
    await locks.release('release-a');
    const third = acquire('release-c');
    await settled();
    expect([...holding]).toEqual(['release-b']);
    await release('release-b');
    await third;
  });

  it('waits for another process on the same leases until that one is done', async () => {
    const elsewhere = targetLocks(leases, 'r2');
    await acquire('release-x', MAIN, never_aborted, elsewhere);
    const mine = acquire('release-a');
    await triedInVain('r1 release-a', 2);
    expect(acquired).toEqual(['release-x']);
    await release('release-x', elsewhere);
    await mine;
    expect(acquired).toEqual(['release-x', 'release-a']);
  });

  it('holds a target against another process that has the same stream', async () => {
    const elsewhere = targetLocks(leases, 'r2');
    await acquire('release-a', MAIN, never_aborted, elsewhere);
    const mine = acquire('release-a');
    await triedInVain('r1 release-a', 1);
    await release('release-a', elsewhere);
    await mine;
    expect(acquired).toEqual(['release-a', 'release-a']);
  });

  it('lets go of its place when its work is aborted while another process holds the target', async () => {
    const elsewhere = targetLocks(leases, 'r2');
    await acquire('release-x', MAIN, never_aborted, elsewhere);
    const stop = new AbortController();
    const stopped = acquire('release-a', MAIN, stop.signal);
    const behind = acquire('release-b');
    await triedInVain('r1 release-a', 1);
    stop.abort(new Error('moved on'));
    await expect(stopped).rejects.toThrow('moved on');
    await triedInVain('r1 release-b', 1);
    await release('release-x', elsewhere);
    await behind;
    expect(acquired).toEqual(['release-x', 'release-b']);
  });

  it('does not wait for its turn when its work is aborted, and nobody passes who came after it', async () => {
    await acquire('release-a');
    const stop = new AbortController();
    const stopped = acquire('release-b', MAIN, stop.signal);
    const behind = acquire('release-c');
    stop.abort(new Error('moved on'));
    await expect(stopped).rejects.toThrow('moved on');
    await settled();
    expect(acquired).toEqual(['release-a']);
    await release('release-a');
    await behind;
    expect(acquired).toEqual(['release-a', 'release-c']);
  });

  it('is not given to work that was aborted before', async () => {
    await expect(acquire('release-a', MAIN, AbortSignal.abort(new Error('moved on')))).rejects.toThrow('moved on');
    await acquire('release-b');
    expect(asked).toEqual([{ holder: 'r1 release-b', given: true }]);
  });
});
