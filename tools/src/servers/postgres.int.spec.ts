import { lstat, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';

import { freePort } from './free-port.ts';
import { type RunningPostgres, type StartPostgres, overSocket, removePostgresData, startPostgres } from './postgres.ts';

const CLUSTER_MS_MAX = 60_000;
const isRoot = process.getuid?.() === 0;

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

describe.each(['local', 'embedded'] as const)('Postgres, %s binaries preferred', (prefer) => {
  let directory: string;
  let data_dir: string;
  let running: RunningPostgres[];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'baton-postgres-'));
    data_dir = join(directory, 'data');
    running = [];
  });
  afterEach(async () => {
    for (const server of running) await server.stop();
    for (const made of [data_dir, join(directory, 'other')]) await removePostgresData(made);
    await rm(directory, { recursive: true, force: true });
  });

  /** What is ours and none of the binaries' is shown with one of them. */
  const itOnce: (...test: Parameters<typeof it>) => void = prefer === 'local' ? it : () => undefined;
  const start = async (options: Partial<StartPostgres> = {}) => {
    const server = await startPostgres({ data_dir, password: 'p@ss/word', prefer, log: () => undefined, ...options });
    running.push(server);
    return server;
  };

  it(
    'makes a durable cluster that takes the password and nothing else',
    async () => {
      const server = await start();
      const [settings] = await query(
        server.superuser_url,
        `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
        current_setting('data_checksums') as checksums, current_setting('server_encoding') as encoding,
        current_setting('listen_addresses') as addresses, current_setting('unix_socket_directories') as sockets`,
      );
      expect(settings).toEqual({
        fsync: 'on',
        commit: 'on',
        checksums: 'on',
        encoding: 'UTF8',
        addresses: '127.0.0.1',
        sockets: await realpath(data_dir),
      });
      const socket_url = await overSocket(server.superuser_url, data_dir);
      expect(socket_url).not.toBe(server.superuser_url);
      expect(await query(socket_url, 'select inet_server_addr() as address')).toEqual([{ address: null }]);
      for (const url of [server.superuser_url, socket_url])
        await expect(query(url.replace('p%40ss%2Fword', 'wrong'), 'select 1')).rejects.toThrow('password authentication failed');
    },
    CLUSTER_MS_MAX,
  );

  it(
    'keeps what was committed when it is killed and started again on the same port',
    async () => {
      const first = await start();
      await query(first.superuser_url, 'create table kept as select 42 as answer');
      await first.kill();

      const second = await start({ port: first.port });
      expect(second.url).toBe(first.url);
      expect(await query(second.superuser_url, 'select answer from kept')).toEqual([{ answer: 42 }]);
    },
    CLUSTER_MS_MAX,
  );

  itOnce(
    'is not kept from starting by the pid of another program',
    async () => {
      const first = await start();
      await first.kill();
      // Of the same account: others' processes Postgres takes for gone.
      const other = await start({ data_dir: join(directory, 'other') });
      for (const name of ['postmaster.pid', `.s.PGSQL.${first.port}.lock`]) {
        const lines = (await readFile(join(data_dir, name), 'utf8')).split('\n');
        await writeFile(join(data_dir, name), [other.pid, ...lines.slice(1)].join('\n'));
      }
      const second = await start({ port: first.port });
      expect(await query(second.superuser_url, 'select 1 as one')).toEqual([{ one: 1 }]);
    },
    CLUSTER_MS_MAX,
  );

  itOnce(
    'is not started twice on one directory, unless it may take over',
    async () => {
      const first = await start();
      await expect(start()).rejects.toThrow(`as process ${first.pid}: use that one, or end it with \`kill -INT ${first.pid}\``);
      const second = await start({ take_over: true });
      expect(await query(second.superuser_url, 'select 1 as one')).toEqual([{ one: 1 }]);
    },
    CLUSTER_MS_MAX,
  );

  itOnce(
    'names a port in use, another password, and a directory of something else',
    async () => {
      const port = await freePort();
      const server = await start({ port });
      const other = join(directory, 'other');
      await expect(start({ data_dir: other, port })).rejects.toThrow(
        `port ${port} on 127.0.0.1 is in use, so Postgres cannot listen there`,
      );
      await removePostgresData(other);
      await server.stop();
      await expect(start({ password: 'another' })).rejects.toThrow('made with another password');

      const full = join(directory, 'full');
      await mkdir(full);
      await writeFile(join(full, 'letter.txt'), 'mine');
      await expect(start({ data_dir: full })).rejects.toThrow(/holds files but/);
      expect(await readFile(join(full, 'letter.txt'), 'utf8')).toBe('mine');
    },
    CLUSTER_MS_MAX,
  );

  itOnce(
    'keeps its data where it was told to, or behind a link where the account it runs as cannot go',
    async () => {
      // mkdtemp makes directories only their owner can enter: as root, the server runs as somebody else.
      const server = await start();
      expect((await lstat(data_dir)).isSymbolicLink()).toBe(isRoot);
      await query(server.superuser_url, 'create table kept as select 42 as answer');
      await server.stop();
      const again = await start();
      expect(await query(again.superuser_url, 'select answer from kept')).toEqual([{ answer: 42 }]);
    },
    CLUSTER_MS_MAX,
  );
});
