/** A nats-server of its own for a spec file: on a free port, with an empty store that can be wiped. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type RunningNats, startNats } from '@baton/tools';

export interface TestNatsOptions {
  /** A nats-server configuration; addresses, ports and store are given on the command line. */
  readonly config_text?: string | undefined;
  /** What `$NAME` in it stands for. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

export interface TestNats {
  /** Stay the same across restarts. */
  readonly url: string;
  readonly monitor_url: string;
  pid(): number;
  /** Ends the server and removes its files. Stopping twice is fine. */
  stop(): Promise<void>;
  /** As if it crashed; `restart` brings it back with what its store holds. */
  kill(): Promise<void>;
  /** Stops it, if it runs, and starts it on the same ports and store. */
  restart(): Promise<void>;
  /** Loses everything in JetStream: stopped, emptied, started on the same ports. */
  wipe(): Promise<void>;
}

// Nothing is synced: the machine does not go down in these specs, only the server does.
const CONFIG_TEXT = 'jetstream { max_memory_store: 64MB, max_file_store: 4GB }\n';

export async function testNats(options: TestNatsOptions = {}): Promise<TestNats> {
  // In the directory of the run, which is searched for forgotten servers when the run ends.
  const directory = await mkdtemp(join(process.env.BATON_TEST_RUN_DIRECTORY ?? tmpdir(), 'nats-'));
  const store_dir = join(directory, 'store');
  const config_file = join(directory, 'nats.conf');
  await writeFile(config_file, options.config_text ?? CONFIG_TEXT);

  const start = (port?: number, monitor_port?: number): Promise<RunningNats> =>
    startNats({
      config_file,
      store_dir,
      port,
      monitor_port,
      env: options.env ?? {},
      log_file: join(directory, 'nats.log'),
      log: (message) => void process.stderr.write(`${message}\n`),
    });

  let server = await start();
  const { url, monitor_url, port, monitor_port } = server;
  const restart = async () => {
    await server.stop();
    server = await start(port, monitor_port);
  };
  return {
    url,
    monitor_url,
    pid: () => server.pid,
    stop: async () => {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
    kill: () => server.kill(),
    restart,
    wipe: async () => {
      await server.stop();
      await rm(store_dir, { recursive: true, force: true });
      await restart();
    },
  };
}
