/** A stack whose log has grown: filled while the stack is down, with the bus starting behind what everybody has handled. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CONSUMERS, EVENT_STREAM, type ConsumerName, type StoredEvent } from '@baton/contracts';
import { startPostgres } from '@baton/tools';
import { startDriver, type Driver, type DriverOptions } from '../driver.ts';
import type { BenchStack, StackHome } from '../stack.ts';
import { cpuSeconds } from '../usage.ts';
import { fill, type End } from './fill.ts';
import { withClient } from './ground.ts';

const WATERMARK = `
  INSERT INTO baton.watermarks (consumer, position) VALUES ($1, $2)
  ON CONFLICT (consumer) DO UPDATE SET position = excluded.position`;

/** Leaves the stack down. Nothing was under way on it. */
export async function growTo(
  home: StackHome,
  { superuser_password }: Pick<BenchStack, 'superuser_password'>,
  recorded: readonly StoredEvent[],
  events: number,
): Promise<End> {
  await home.down();
  const data_dir = join(home.directory, 'postgres');
  const postgres = await startPostgres({ data_dir, password: superuser_password, log: () => undefined });
  try {
    return await withClient(postgres.superuser_url, async (client) => {
      const { rows } = await client.query<{ position: string }>('SELECT position FROM baton.log_head');
      const end = await fill(client, recorded, Math.max(1, events - Number(rows[0]?.position)));
      for (const consumer of consumersOfEvents()) await client.query(WATERMARK, [consumer, end.position]);
      return end;
    });
  } finally {
    await postgres.stop();
    // The relay makes the streams again behind the watermarks, as after the loss of a bus.
    await rm(join(home.directory, 'nats'), { recursive: true, force: true });
  }
}

const consumersOfEvents = (): readonly ConsumerName[] =>
  (Object.keys(CONSUMERS) as ConsumerName[]).filter((name) => CONSUMERS[name].stream === EVENT_STREAM);

const SETTLED_CPU_S = 0.2;
const SETTLED_WITHIN_MS = 180_000;
const LOOK_MS = 2_000;

/** Resolves when the stack has caught up with what it was started on: then it does next to nothing. */
export async function settled({ supervisor_pid }: Pick<BenchStack, 'supervisor_pid'>): Promise<void> {
  const deadline = performance.now() + SETTLED_WITHIN_MS;
  for (;;) {
    const used_s = await cpuUsed(supervisor_pid, LOOK_MS);
    if (used_s < SETTLED_CPU_S) return;
    if (performance.now() > deadline) {
      throw new Error(`the stack still used ${used_s.toFixed(2)} CPU s in ${String(LOOK_MS)} ms when it should have been idle`);
    }
  }
}

/** Of the supervisor and everything it has started. */
export async function cpuUsed(supervisor_pid: number, ms: number): Promise<number> {
  const used = async (): Promise<number> => (await cpuSeconds({ stack: supervisor_pid })).get('stack') ?? 0;
  const before = await used();
  await delay(ms);
  return (await used()) - before;
}

export async function onHome<T>(home: StackHome, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } finally {
    await home.remove();
  }
}

export async function driving<T>(stack: BenchStack, options: DriverOptions, use: (driver: Driver) => Promise<T>): Promise<T> {
  const driver = await startDriver(stack, options);
  try {
    return await use(driver);
  } finally {
    await driver.close();
  }
}
