/** A real Prometheus that scrapes given addresses; for proving that queries answer, not for keeping anything. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { findPrometheus } from './deploy-tools.ts';
import { LOOPBACK, freePort } from './free-port.ts';
import { type Log, startServerProcess, untilReady } from './server-process.ts';

export interface ScrapeTarget {
  /** Value of the label `service`. */
  readonly service: string;
  /** `http://host:port/metrics` */
  readonly url: string;
}

export interface StartPrometheus {
  readonly directory: string;
  readonly targets: readonly ScrapeTarget[];
  readonly scrape_interval_ms: number;
  readonly log: Log;
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface RunningPrometheus {
  readonly url: string;
  /** The samples of an instant query now; throws what Prometheus says against it. */
  query(expr: string): Promise<readonly Sample[]>;
  stop(): Promise<void>;
}

const READY_MS_MAX = 60_000;
const QUERY_MS_MAX = 10_000;

export async function startPrometheus({
  directory,
  targets,
  scrape_interval_ms,
  log,
}: StartPrometheus): Promise<RunningPrometheus> {
  const command = await findPrometheus(log);
  const home = resolve(directory);
  await mkdir(home, { recursive: true });
  // JSON is YAML.
  await writeFile(join(home, 'prometheus.yml'), JSON.stringify(configOf(targets, scrape_interval_ms)));
  const url = `http://${LOOPBACK}:${await freePort()}`;
  const server = await startServerProcess({
    command,
    args: [
      `--config.file=${join(home, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(home, 'data')}`,
      `--web.listen-address=${new URL(url).host}`,
    ],
    cwd: home,
    env: { PATH: process.env.PATH },
    log_file: join(home, 'prometheus.log'),
    account: null,
  });
  const ready = async (): Promise<boolean> =>
    fetch(`${url}/-/ready`).then(
      (answer) => answer.ok,
      () => false,
    );
  await untilReady('prometheus', server, READY_MS_MAX, ready);
  return { url, query: (expr) => query(url, expr), stop: () => server.stop('SIGTERM') };
}

function configOf(targets: readonly ScrapeTarget[], scrape_interval_ms: number): object {
  return {
    global: { scrape_interval: `${scrape_interval_ms}ms`, scrape_timeout: `${scrape_interval_ms}ms` },
    scrape_configs: [
      {
        job_name: 'baton',
        static_configs: targets.map(({ service, url }) => ({ targets: [new URL(url).host], labels: { service } })),
      },
    ],
  };
}

interface Answer {
  readonly status: 'success' | 'error';
  readonly error?: string;
  readonly data?: {
    readonly result: readonly { readonly metric: Readonly<Record<string, string>>; readonly value: readonly [number, string] }[];
  };
}

async function query(url: string, expr: string): Promise<readonly Sample[]> {
  const response = await fetch(`${url}/api/v1/query`, {
    method: 'POST',
    body: new URLSearchParams({ query: expr }),
    signal: AbortSignal.timeout(QUERY_MS_MAX),
  });
  const answer = (await response.json()) as Answer;
  if (answer.status !== 'success') throw new Error(`Prometheus refuses ${expr}: ${answer.error ?? `status ${response.status}`}`);
  return (answer.data?.result ?? []).map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
}
