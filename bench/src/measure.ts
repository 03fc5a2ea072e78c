/** What one load on one engine costs: rate, latency, processor time and memory of the engine's processes. */
import { percentile, type Load, type LoadResult } from './load.ts';
import { cpuSeconds, memoryMb } from './usage.ts';

export interface Measurable {
  /** Name of the part → its process; processes that it starts count with it. */
  readonly pids: Readonly<Record<string, number>>;
  run(load: Load): Promise<LoadResult>;
}

export interface Figures {
  readonly completed_per_s: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly cpu_s_per_1000: number;
  /** Of this process, which drives the load where the engine does not do so itself. */
  readonly driver_cpu_s_per_1000: number;
  readonly memory_mb: number;
}

export interface Measured {
  readonly figures: Figures;
  readonly cpu_s_per_1000_by_part: ReadonlyMap<string, number>;
  readonly result: LoadResult;
}

const MICROSECONDS_PER_S = 1_000_000;

export async function measure(engine: Measurable, load: Load): Promise<Measured> {
  const per_1000 = 1_000 / load.total;
  const before = await cpuSeconds(engine.pids);
  const driver_before = process.cpuUsage();
  const result = await engine.run(load);
  const driver = process.cpuUsage(driver_before);
  const after = await cpuSeconds(engine.pids);
  const by_part = new Map([...after].map(([name, cpu_s]) => [name, (cpu_s - (before.get(name) ?? 0)) * per_1000]));
  const took = result.done.map(({ took_ms }) => took_ms);
  const figures = {
    completed_per_s: load.total / result.seconds,
    p50_ms: percentile(took, 0.5),
    p99_ms: percentile(took, 0.99),
    cpu_s_per_1000: [...by_part.values()].reduce((sum, cpu_s) => sum + cpu_s, 0),
    driver_cpu_s_per_1000: ((driver.user + driver.system) / MICROSECONDS_PER_S) * per_1000,
    memory_mb: await memoryMb(engine.pids),
  };
  return { figures, cpu_s_per_1000_by_part: by_part, result };
}
