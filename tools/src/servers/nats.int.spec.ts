import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

import { freePort } from './free-port.ts';
import { type RunningNats, startNats } from './nats.ts';
import { findNatsServer } from './nats-server-binary.ts';

const FETCH_MS_MAX = 300_000;

describe('nats-server', () => {
  let directory: string;
  let running: RunningNats[];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'baton-nats-'));
    running = [];
  });
  afterEach(async () => {
    for (const server of running) await server.kill();
    await rm(directory, { recursive: true, force: true });
  });

  const start = async (options: { readonly port?: number; readonly take_over?: boolean } = {}) => {
    await appendFile(join(directory, 'nats.conf'), '');
    const server = await startNats({
      config_file: join(directory, 'nats.conf'),
      store_dir: join(directory, 'store'),
      log_file: join(directory, 'nats.log'),
      env: { SERVER_NAME: 'under-test' },
      log: () => undefined,
      ...options,
    });
    running.push(server);
    return server;
  };

  it(
    'is found on this machine, or fetched',
    async () => {
      expect(await findNatsServer({ log: (message) => process.stdout.write(`${message}\n`) })).toMatch(/nats-server$/);
    },
    FETCH_MS_MAX,
  );

  it('keeps what was acknowledged when it is killed and started again on the same port', async () => {
    await writeFile(join(directory, 'nats.conf'), 'server_name: $SERVER_NAME\njetstream { sync_interval: always }\n');
    const first = await start();
    const before = await connect({ servers: first.url });
    expect(before.info?.server_name).toBe('under-test');
    await (await jetstreamManager(before)).streams.add({ name: 'KEPT', subjects: ['kept'] });
    expect((await jetstream(before).publish('kept', 'one')).seq).toBe(1);
    await before.close();
    await first.kill();

    const second = await start({ port: first.port });
    expect(second.url).toBe(first.url);
    expect((await fetch(`${second.monitor_url}/healthz`)).status).toBe(200);
    const after = await connect({ servers: second.url });
    expect((await (await jetstreamManager(after)).streams.info('KEPT')).state.messages).toBe(1);
    await after.close();
  });

  it('is not started twice on one store, unless it may take over', async () => {
    const first = await start();
    await expect(start()).rejects.toThrow(`nats-server already runs on ${join(directory, 'store')} as process ${first.pid}`);
    const second = await start({ take_over: true });
    expect(second.pid).not.toBe(first.pid);
    const connection = await connect({ servers: second.url });
    await connection.close();
  });

  it('says which port is in use', async () => {
    const port = await freePort();
    await start({ port });
    await rm(join(directory, 'store/nats-server.pid'));
    await expect(start({ port })).rejects.toThrow(`port ${port} on 127.0.0.1 is in use, so nats-server cannot listen there`);
  });

  it('hands on what the server said when it does not start', async () => {
    await writeFile(join(directory, 'nats.conf'), 'jetstream { no_such_setting: 1 }\n');
    await expect(start()).rejects.toThrow('no_such_setting');
  });

  it('ends when it is stopped, twice if asked', async () => {
    const server = await start();
    await server.stop();
    await server.stop();
    expect(await readFile(join(directory, 'nats.log'), 'utf8')).toContain('Server Exiting');
    await expect(fetch(`${server.monitor_url}/healthz`)).rejects.toThrow();
  });
});
