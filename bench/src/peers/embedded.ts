/** The peers that are libraries over Postgres: one worker process, which drives its own load, and a Postgres started as Baton's is. */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removePostgresData, startPostgres } from '@baton/tools';
import { requireResults } from '../peer-messages.ts';
import { benchDirectory } from '../stack.ts';
import type { Engine, EngineKind } from './engine.ts';
import { startWorker } from './worker.ts';

export const DBOS: EngineKind = {
  name: 'dbos',
  driver: 'inside',
  differs:
    'a library in one Node process, which also drives the load; its own default of 10 connections; the signal is DBOS.send in that process',
  start: () => startEmbedded('dbos'),
};

export const LANGGRAPH: EngineKind = {
  name: 'langgraph',
  driver: 'inside',
  differs:
    'a library in one Node process, which also drives the load; durability "sync", 10 connections; after a crash nobody continues its workflows by itself; the signal is a second invoke',
  start: () => startEmbedded('langgraph'),
};

async function startEmbedded(name: string): Promise<Engine> {
  const directory = await benchDirectory(name);
  const data_dir = join(directory, 'postgres');
  const start = { data_dir, password: randomBytes(16).toString('hex'), log: () => undefined };
  let postgres = await startPostgres(start);
  const env = { PEER_POSTGRES_URL: postgres.superuser_url };
  const stopStore = async (): Promise<void> => {
    await postgres.stop();
    await removePostgresData(data_dir);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    let worker = await startWorker(name, env);
    return {
      pids: { postgres: postgres.pid, worker: worker.pid },
      says: worker.says,
      run: (load) => worker.run(load),
      async provesDurable(ids) {
        await Promise.all([worker.stop(), postgres.kill()]);
        postgres = await startPostgres({ ...start, port: postgres.port, take_over: true });
        worker = await startWorker(name, env);
        const results = await worker.results(ids);
        ids.forEach((id, index) => requireResults(id, results[index]));
      },
      async stop() {
        await worker.stop();
        await stopStore();
      },
    };
  } catch (error) {
    await stopStore();
    throw error;
  }
}
