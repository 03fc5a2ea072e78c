/** Small artifacts are kept by the append of the event that names them, and large ones at once. */
import { appendOf, storedBy } from '@baton/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { testStores, type TestStores } from '../test/stores.ts';

const LARGE_BYTES = 100_000;
const bytesOf = (text: string): Buffer => Buffer.from(text);

describe('artifacts in Postgres', () => {
  let stores: TestStores;
  beforeAll(async () => {
    stores = await testStores();
  }, 60_000);
  afterEach(() => stores.empty());
  afterAll(() => stores.drop());

  it('that are small are kept with the next append, and until then known to whoever put them', async () => {
    const executor = stores.open('executor');
    const { artifacts: others } = stores.open('reviewer');
    const digest = await executor.artifacts.put(bytesOf('result'));
    expect(Buffer.from(await executor.artifacts.get(digest)).toString()).toBe('result');
    await expect(others.get(digest)).rejects.toThrow(`there is no artifact ${digest}`);
    storedBy(await executor.log.append(appendOf(1, { stream: 'task-1.a' })));
    expect(Buffer.from(await others.get(digest)).toString()).toBe('result');
  });

  it('are kept as they were given, whatever becomes of the bytes afterwards', async () => {
    const executor = stores.open('executor');
    const bytes = bytesOf('before');
    const digest = await executor.artifacts.put(bytes);
    bytes.write('AFTER!');
    storedBy(await executor.log.append(appendOf(1, { stream: 'task-1.a' })));
    expect(Buffer.from(await stores.open('release').artifacts.get(digest)).toString()).toBe('before');
  });

  it('are not lost by an append beside them that is refused, and not by one that comes second', async () => {
    const executor = stores.open('executor');
    storedBy(await executor.log.append(appendOf(1, { stream: 'task-1.a' })));
    const digest = await executor.artifacts.put(bytesOf('result'));
    await expect(executor.log.append(appendOf(1, { stream: 'plan-1' }))).rejects.toThrow('may not write category');
    expect(await executor.log.append(appendOf(1, { stream: 'task-1.a' }))).toMatchObject({ status: 'version-conflict' });
    expect(Buffer.from(await stores.open('reviewer').artifacts.get(digest)).toString()).toBe('result');
  });

  it('that are large are kept at once', async () => {
    const digest = await stores.open('executor').artifacts.put(Buffer.alloc(LARGE_BYTES, 'x'));
    expect(await stores.open('reviewer').artifacts.get(digest)).toHaveLength(LARGE_BYTES);
  });

  it('may not be put by a service that brings no results, with or without an event', async () => {
    const planner = stores.open('planner');
    await expect(planner.artifacts.put(Buffer.alloc(LARGE_BYTES, 'x'))).rejects.toMatchObject({ code: '42501' });
    await planner.artifacts.put(bytesOf('a plan'));
    await expect(planner.log.append(appendOf(1, { stream: 'plan-1' }))).rejects.toMatchObject({ code: '42501' });
  });

  it('that are asked for together come together, each to whoever asked', async () => {
    const executor = stores.open('executor');
    const texts = Array.from({ length: 50 }, (_, index) => `result ${String(index)}`);
    const digests = await Promise.all(texts.map((text) => executor.artifacts.put(bytesOf(text))));
    storedBy(await executor.log.append(appendOf(1, { stream: 'task-1.a' })));
    const { artifacts } = stores.open('release');
    const got = await Promise.all(digests.map((digest) => artifacts.get(digest)));
    expect(got.map((bytes) => Buffer.from(bytes).toString())).toEqual(texts);
  });
});
