import { BUS_USERS } from '@baton/contracts';
import { PROVISIONER, natsConf, nkeyVariable } from '@baton/bus';
import { testDatabase, testNats, type TestDatabase } from '@baton/testing';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createUser } from '@nats-io/nkeys';
import { EXIT } from '../exit-codes.ts';
import { runCli } from '../program.ts';

jest.setTimeout(60_000);

describe('baton provision, on a real nats-server', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase({ migrate: async () => undefined });
  });
  afterAll(() => database.drop());

  async function provision(sync_interval: string, more: Readonly<Record<string, string>> = {}) {
    const keys = new Map(BUS_USERS.map((user) => [user, createUser()]));
    const nats = await testNats({
      config_text: natsConf(),
      env: {
        BATON_NATS_SERVER_NAME: 'under-test',
        BATON_NATS_STORE_BYTES_MAX: '18GB',
        BATON_NATS_SYNC_INTERVAL: sync_interval,
        ...Object.fromEntries([...keys].map(([user, key]) => [nkeyVariable(user), key.getPublicKey()])),
      },
    });
    let stdout = '';
    const streams = { stdout: (text: string) => void (stdout += text), stderr: () => undefined };
    const environment = {
      BATON_PG_ADMIN_URL: database.superuser_url,
      BATON_NATS_URL: nats.url,
      BATON_NATS_NKEY_SEED: new TextDecoder().decode(keys.get(PROVISIONER)?.getSeed()),
      ...more,
    };
    try {
      const exit = await runCli(['provision', '--json'], environment, streams, new AbortController().signal);
      return { exit, answer: JSON.parse(stdout) as Record<string, unknown> };
    } finally {
      await nats.stop();
    }
  }

  it('refuses a single server that acknowledges what is not on disk, makes nothing on it, and says what to set', async () => {
    const { exit, answer } = await provision('2m');
    expect(exit).toBe(EXIT.refused);
    expect(answer.error).toMatchObject({
      message: expect.stringContaining('sync_interval is not always'),
      fix: expect.stringMatching(/BATON_NATS_SYNC_INTERVAL=always.*BATON_NATS_UNSYNCED=accept/),
    });
  });

  it('says that nats-server is away, and not that something unforeseen has happened', async () => {
    const { exit, answer } = await provision('always', { BATON_NATS_URL: 'nats://127.0.0.1:1' });
    expect(exit).toBe(EXIT.unreachable);
    expect(answer.error).toMatchObject({
      message: expect.stringContaining('nats://127.0.0.1:1 does not let the provisioner in'),
    });
  });

  it('takes it where that is accepted by name', async () => {
    const { exit, answer } = await provision('2m', { BATON_NATS_UNSYNCED: 'accept' });
    expect(exit).toBe(EXIT.ok);
    expect(answer).toMatchObject({ bus_sync: 'later', created: expect.arrayContaining(['BATON_EVENTS']) });
  });

  it('takes one that has on disk what it acknowledges', async () => {
    const { exit, answer } = await provision('always');
    expect(exit).toBe(EXIT.ok);
    expect(answer).toMatchObject({ bus_sync: 'always', created: expect.arrayContaining(['BATON_EVENTS']) });
  });
});
