import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { type TestNats, testNats } from './nats.ts';

describe('a test nats-server', () => {
  let nats: TestNats;
  beforeAll(async () => {
    nats = await testNats({ config_text: 'server_name: $NAME\njetstream {}\n', env: { NAME: 'mine' } });
  }, 60_000);
  afterAll(() => nats.stop());

  const monitored = async (path: string) => (await (await fetch(`${nats.monitor_url}${path}`)).json()) as Record<string, unknown>;

  it('comes back on the same port after a kill', async () => {
    const pid = nats.pid();
    await nats.kill();
    await expect(monitored('/varz')).rejects.toThrow();
    await nats.restart();
    expect(nats.pid()).not.toBe(pid);
    expect(await monitored('/varz')).toMatchObject({ server_name: 'mine', port: Number(new URL(nats.url).port) });
  });

  it('has JetStream again after a wipe', async () => {
    await nats.wipe();
    expect(await monitored('/jsz')).toMatchObject({ streams: 0, messages: 0 });
  });
});
