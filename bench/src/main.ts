/** `npm run bench`: missions completed, on a stack of separate processes with nothing switched off; a table, and with `-- --json FILE` the figures. */
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { stdout } from 'node:process';
import { parseArgs } from 'node:util';
import { startDriver, type Driver } from './driver.ts';
import { startStack, type BenchStack } from './stack.ts';
import { cpuSeconds, memoryMb } from './usage.ts';

interface Scenario {
  readonly name: string;
  readonly missions: number;
  /** Missions in flight at a time; undefined = one is submitted every `every_ms`. */
  readonly in_flight?: number;
  readonly every_ms?: number;
}

const WARM_UP = 300;
const SCENARIOS: readonly Scenario[] = [
  { name: 'in_flight_1', missions: 200, in_flight: 1 },
  { name: 'in_flight_32', missions: 2_000, in_flight: 32 },
  { name: 'in_flight_256', missions: 3_000, in_flight: 256 },
  { name: 'rate_20', missions: 300, every_ms: 50 },
];

type Figures = Record<string, number>;

const print = (line: string): void => void stdout.write(`${line}\n`);

const { values } = parseArgs({ options: { json: { type: 'string' }, only: { type: 'string' } } });
const stack = await startStack();
let driver: Driver | undefined;
try {
  driver = await startDriver(stack);
  await inFlight(driver, WARM_UP, 32);
  const figures: Figures = {};
  print(
    `missions on ${cpus().length} processors, ${Object.keys(stack.pids).length} processes; each with one task, a review and a person's approval\n`,
  );
  print('scenario       completed/s    p50 ms    p99 ms   CPU s/1000   memory MB');
  for (const scenario of SCENARIOS) {
    if (values.only !== undefined && values.only !== scenario.name) continue;
    Object.assign(figures, await measure(driver, stack, scenario));
  }
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(figures, null, 2)}\n`);
} finally {
  await driver?.close();
  await stack.stop();
}

async function measure(missions: Driver, on: BenchStack, scenario: Scenario): Promise<Figures> {
  const before = await cpuSeconds(on.pids);
  const started = performance.now();
  const took =
    scenario.in_flight === undefined
      ? await atRate(missions, scenario.missions, scenario.every_ms ?? 0)
      : await inFlight(missions, scenario.missions, scenario.in_flight);
  const seconds = (performance.now() - started) / 1_000;
  const after = await cpuSeconds(on.pids);
  const used = new Map(
    [...after].map(([name, cpu_s]) => [name, ((cpu_s - (before.get(name) ?? 0)) * 1_000) / scenario.missions]),
  );
  const memory = await memoryMb(on.pids);
  const figures = {
    completed_per_s: scenario.missions / seconds,
    p50_ms: percentile(took, 0.5),
    p99_ms: percentile(took, 0.99),
    cpu_s_per_1000: [...used.values()].reduce((sum, cpu_s) => sum + cpu_s, 0),
    memory_mb: memory,
  };
  const row = [figures.completed_per_s, figures.p50_ms, figures.p99_ms, figures.cpu_s_per_1000, figures.memory_mb].map((figure) =>
    figure.toFixed(1).padStart(11),
  );
  print(`${scenario.name.padEnd(13)} ${row.join(' ')}`);
  print(
    `    CPU s/1000: ${[...used]
      .toSorted((a, b) => b[1] - a[1])
      .map(([name, cpu_s]) => `${name} ${cpu_s.toFixed(2)}`)
      .join(', ')}`,
  );
  return Object.fromEntries(
    Object.entries(figures).map(([name, figure]) => [`missions.${scenario.name}.${name}`, Number(figure.toFixed(3))]),
  );
}

async function inFlight(missions: Driver, total: number, width: number): Promise<number[]> {
  const took: number[] = [];
  let left = total;
  const lane = async (): Promise<void> => {
    while (left-- > 0) took.push(await missions.mission());
  };
  await Promise.all(Array.from({ length: width }, lane));
  return took;
}

async function atRate(missions: Driver, total: number, every_ms: number): Promise<number[]> {
  const all: Promise<number>[] = [];
  const started = performance.now();
  for (let index = 0; index < total; index++) {
    // Against the start, so that one late tick does not make all later ones late.
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, started + index * every_ms - performance.now())));
    all.push(missions.mission());
  }
  return Promise.all(all);
}

function percentile(took: readonly number[], share: number): number {
  const sorted = took.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
