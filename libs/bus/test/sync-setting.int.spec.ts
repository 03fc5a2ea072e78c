import { testNats } from '@baton/testing';
import { describe, expect, it, jest } from '@jest/globals';
import { eventually } from '@baton/testing';
import { connectBus, requireSynced, syncSettingOf, watchSyncSetting, type SyncSetting } from '../src/index.ts';
import { recordingLogger, securedNats } from './secured-nats.ts';

jest.setTimeout(60_000);
const WITHIN = { within_ms: 20_000 };

describe('whether a real server syncs what it acknowledges', () => {
  it.each<['2m' | 'always', SyncSetting]>([
    ['2m', 'later'],
    ['always', 'always'],
  ])('is what it says itself: sync_interval %s is %s, to the provisioner and the relay', async (sync_interval, setting) => {
    const server = await securedNats({ sync_interval });
    try {
      expect(await syncSettingOf((await server.as('provisioner')).connection)).toBe(setting);
      expect(await syncSettingOf((await server.as('relay')).connection)).toBe(setting);
    } finally {
      await server.stop();
    }
  });

  it('is refused on a single server that does not, unless that is accepted by name, and asked of nobody else', async () => {
    const server = await securedNats({ sync_interval: '2m' });
    try {
      const { connection } = await server.as('provisioner');
      const logger = recordingLogger();
      const required = (replicas: number, accept_unsynced: boolean) =>
        requireSynced(connection, { replicas, accept_unsynced, logger });
      await expect(required(1, false)).rejects.toThrow(/sync_interval is not always.*no second copy/);
      expect(logger.times('bus-unsynced')).toBe(0);
      expect(await required(1, true)).toBe('later');
      expect(await required(3, false)).toBe('later');
      expect(logger.times('bus-unsynced')).toBe(2);
      expect(await syncSettingOf((await server.as('intake')).connection)).toBe('unknown');
    } finally {
      await server.stop();
    }
  });

  it('is not known of a server that was set up in another way, which is said and not refused', async () => {
    const nats = await testNats();
    const logger = recordingLogger();
    const bus = await connectBus({ servers: nats.url, user: 'provisioner', logger });
    try {
      expect(await requireSynced(bus.connection, { replicas: 1, accept_unsynced: false, logger })).toBe('unknown');
      expect(logger.times('bus-sync-unknown')).toBe(1);
    } finally {
      await bus.close();
      await nats.stop();
    }
  });

  it('is asked again after each reconnection', async () => {
    const server = await securedNats({ sync_interval: 'always' });
    const { connection } = await server.as('relay');
    const found: SyncSetting[] = [];
    try {
      const watched = watchSyncSetting(connection, (setting) => void found.push(setting));
      await eventually(() => found.length === 1, WITHIN);
      await server.nats.restart();
      await eventually(() => found.length === 2, WITHIN);
      expect(found).toEqual(['always', 'always']);
      await connection.close();
      await watched;
    } finally {
      await server.stop();
    }
  });
});
