import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { appendOf, storedBy } from '@baton/testing';
import { testStores, type TestStores } from '../test/stores.ts';

const SET_UP_MS_MAX = 60_000;
const LATER_MS = 3_600_000;
const held = (holder: string) => ({ key: 'land-1', after_ms: LATER_MS, holder });

describe('what a dead process held', () => {
  let stores: TestStores;
  beforeAll(async () => {
    stores = await testStores();
  }, SET_UP_MS_MAX);
  afterAll(() => stores.drop());
  afterEach(() => stores.empty());

  it('is due at once and goes to one, who is told of it; what the living hold stays theirs', async () => {
    const { log, predecessors } = stores.open('release');
    for (const holder of ['dead', 'alive'])
      storedBy(await log.append(appendOf(1, { stream: `release-${holder}`, deadline: held(holder) })));
    storedBy(await log.append(appendOf(1, { stream: 'release-timer', deadline: { ...held(''), holder: null } })));
    expect((await predecessors.holders()).toSorted()).toEqual(['alive', 'dead']);
    const claim = { categories: ['release'], holder: 'next', hold_ms: LATER_MS, limit: 10 };
    expect(await log.claimDue(claim)).toEqual([]);
    expect(await predecessors.letGo(['dead'])).toBe(1);
    expect(await log.claimDue(claim)).toMatchObject([{ stream: 'release-dead', last_holder: 'dead' }]);
    expect(await log.claimDue(claim)).toEqual([]);
    // It may be said again, by whoever starts next: nothing is taken from who has it now.
    expect(await predecessors.letGo(['dead'])).toBe(0);
    expect((await predecessors.holders()).toSorted()).toEqual(['alive', 'next']);
  });

  it('is free where it was a lease, with a greater fence for the next, and the dead cannot renew it', async () => {
    const { leases, predecessors } = stores.open('release');
    const lease = { name: 'release-main', holder: 'dead release-1', ttl_ms: LATER_MS };
    const fence = (await leases.acquire(lease)) ?? 0;
    await leases.acquire({ ...lease, name: 'release-other', holder: 'deader release-2' });
    expect((await predecessors.holders()).toSorted()).toEqual(['dead', 'deader']);
    expect(await predecessors.letGo(['dead'])).toBe(1);
    expect(await leases.renew({ ...lease, fence })).toBe(false);
    expect(await leases.acquire({ ...lease, holder: 'next release-1' })).toBeGreaterThan(fence);
    expect(await leases.acquire({ ...lease, name: 'release-other', holder: 'next release-2' })).toBeNull();
  });

  it('is let go by its own service only', async () => {
    const release = stores.open('release');
    storedBy(await release.log.append(appendOf(1, { stream: 'release-1', deadline: held('dead') })));
    await release.leases.acquire({ name: 'release-main', holder: 'dead release-1', ttl_ms: LATER_MS });
    const { predecessors } = stores.open('executor');
    expect(await predecessors.holders()).toEqual([]);
    expect(await predecessors.letGo(['dead'])).toBe(0);
    expect(await release.predecessors.holders()).toEqual(['dead']);
    await expect(stores.open('metrics').predecessors.letGo(['dead'])).rejects.toThrow(/permission denied/);
    await expect(stores.open('auditor').predecessors.holders()).rejects.toThrow(/permission denied/);
  });
});
