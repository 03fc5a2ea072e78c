/** `npm run bench`: missions completed, on a stack of separate processes with nothing switched off; a table, and with `-- --json FILE` the figures. */
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { stdout } from 'node:process';
import { parseArgs } from 'node:util';
import { startDriver, type Driver } from './driver.ts';
import { runLoad, type Load } from './load.ts';
import { measure, type Measured } from './measure.ts';
import { startStack } from './stack.ts';

const WARM_UP: Load = { name: 'warm_up', total: 300, in_flight: 32 };
const SCENARIOS: readonly Load[] = [
  { name: 'in_flight_1', total: 200, in_flight: 1 },
  { name: 'in_flight_32', total: 2_000, in_flight: 32 },
  { name: 'in_flight_256', total: 3_000, in_flight: 256 },
  { name: 'rate_20', total: 300, every_ms: 50 },
];

const print = (line: string): void => void stdout.write(`${line}\n`);

const { values } = parseArgs({ options: { json: { type: 'string' }, only: { type: 'string' } } });
const stack = await startStack();
let driver: Driver | undefined;
try {
  const missions = (driver = await startDriver(stack));
  const engine = { pids: stack.pids, run: (load: Load) => runLoad(missions.mission, load) };
  await engine.run(WARM_UP);
  const all: Record<string, number> = {};
  print(
    `missions on ${cpus().length} processors, ${Object.keys(stack.pids).length} processes; each with one task, a review and a person's approval\n`,
  );
  print('scenario       completed/s    p50 ms    p99 ms   CPU s/1000   memory MB');
  for (const scenario of SCENARIOS) {
    if (values.only !== undefined && values.only !== scenario.name) continue;
    const measured = await measure(engine, scenario);
    printRow(scenario, measured);
    for (const [name, figure] of Object.entries(measured.figures)) {
      all[`missions.${scenario.name}.${name}`] = Number(figure.toFixed(3));
    }
  }
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(all, null, 2)}\n`);
} finally {
  await driver?.close();
  await stack.stop();
}

function printRow({ name }: Load, { figures, cpu_s_per_1000_by_part }: Measured): void {
  const { completed_per_s, p50_ms, p99_ms, cpu_s_per_1000, memory_mb } = figures;
  const row = [completed_per_s, p50_ms, p99_ms, cpu_s_per_1000, memory_mb].map((figure) => figure.toFixed(1).padStart(11));
  print(`${name.padEnd(13)} ${row.join(' ')}`);
  const parts = [...cpu_s_per_1000_by_part].toSorted((a, b) => b[1] - a[1]);
  print(`    CPU s/1000: ${parts.map(([part, cpu_s]) => `${part} ${cpu_s.toFixed(2)}`).join(', ')}`);
}
