/** `npm run bench:peers`: Baton and the engines that people would pick instead, on the same workflow, machine and run; one table. */
import { writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { stderr, stdout } from 'node:process';
import { parseArgs } from 'node:util';
import type { Load } from '../load.ts';
import { measure, type Figures } from '../measure.ts';
import { BATON } from './baton.ts';
import { DBOS, LANGGRAPH } from './embedded.ts';
import type { Engine, EngineKind } from './engine.ts';
import { RESTATE } from './restate.ts';
import { medianOf, notes, table, type Row } from './table.ts';

const ENGINES: readonly EngineKind[] = [BATON, RESTATE, DBOS, LANGGRAPH];
const WARM_UP: Load = { name: 'warm_up', total: 300, in_flight: 32 };
const LOADS: readonly Load[] = [
  { name: 'in_flight_1', total: 300, in_flight: 1 },
  { name: 'in_flight_32', total: 2_000, in_flight: 32 },
  { name: 'in_flight_256', total: 2_000, in_flight: 256 },
  { name: 'rate_20', total: 300, every_ms: 50 },
];
/** For trying something out: the order of magnitude in a quarter of the time. */
const QUICK_SHARE = 0.25;
const ROUNDS_MAX = 20;
/** Of each round, the last ones are read again after the store was killed. */
const PROVED_DURABLE = 100;

type Run = ReadonlyMap<string, Figures>;

const print = (line: string): void => void stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1' },
    json: { type: 'string' },
    only: { type: 'string' },
    scenario: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1 || rounds > ROUNDS_MAX) {
  throw new Error(`--rounds ${values.rounds}: name a number from 1 to ${String(ROUNDS_MAX)}`);
}
const engines = chosen('--only', values.only, ENGINES);
const loads = chosen('--scenario', values.scenario, LOADS).map(sized);

/** What runs now, or is about to, for a benchmark that is broken off. */
let running: Promise<Pick<Engine, 'stop'>> | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stderr.write(`${signal}: stopping what was started\n`);
    const stopped = running?.then((engine) => engine.stop());
    void Promise.allSettled([stopped]).then(() => process.exit(1));
  });
}

const runs = new Map(engines.map(({ name }) => [name, [] as Run[]]));
const says = new Map<string, Readonly<Record<string, string>>>();
for (let round = 1; round <= rounds; round++) {
  for (const kind of engines) {
    print(`round ${String(round)} of ${String(rounds)}: ${kind.name}`);
    runs.get(kind.name)?.push(await runEngine(kind));
  }
}
report();
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(asJson(), null, 2)}\n`);

async function runEngine(kind: EngineKind): Promise<Run> {
  const starting = (running = startedOnce(kind));
  const engine = await starting;
  try {
    says.set(kind.name, engine.says);
    await engine.run(sized(WARM_UP));
    const run = new Map<string, Figures>();
    let last: readonly string[] = [];
    for (const load of loads) {
      const { figures, result } = await measure(engine, load);
      run.set(load.name, figures);
      last = result.done.slice(-PROVED_DURABLE).map(({ id }) => id);
      const { completed_per_s, p50_ms, p99_ms } = figures;
      print(
        `  ${load.name.padEnd(14)} ${completed_per_s.toFixed(1)}/s, p50 ${p50_ms.toFixed(1)} ms, p99 ${p99_ms.toFixed(1)} ms, ${String(load.total)} checked`,
      );
    }
    await engine.provesDurable(last);
    print(`  the store was killed and started again: the last ${String(last.length)} have all their results`);
    return run;
  } finally {
    await engine.stop();
    running = undefined;
  }
}

/** The end of a run and a signal may both stop it. */
async function startedOnce(kind: EngineKind): Promise<Engine> {
  const engine = await kind.start();
  let stopped: Promise<void> | undefined;
  return { ...engine, stop: () => (stopped ??= engine.stop()) };
}

function report(): void {
  const rows: Row[] = engines.map((kind) => ({ kind, figures: medians(runs.get(kind.name) ?? []) }));
  const cpu = cpus();
  print(
    `\nFive-step durable workflow with an approval: ${String(cpu.length)} processors (${cpu[0]?.model ?? 'unknown'}), ` +
      `${String(Math.round(totalmem() / 2 ** 30))} GiB, Node ${process.version}, ` +
      `${rounds === 1 ? 'one round' : `medians of ${String(rounds)} rounds`}${values.quick ? ', QUICK: a quarter of the work' : ''}\n`,
  );
  for (const line of table(rows, loads)) print(line);
  print('');
  for (const line of notes(rows, says)) print(line);
}

function medians(of: readonly Run[]): Run {
  return new Map(loads.map(({ name }) => [name, medianOf(of.flatMap((run) => run.get(name) ?? []))]));
}

function asJson(): object {
  const figures: Record<string, number> = {};
  for (const { name } of engines) {
    for (const [load, of] of medians(runs.get(name) ?? [])) {
      for (const [figure, value] of Object.entries(of)) figures[`peers.${name}.${load}.${figure}`] = Number(value.toFixed(3));
    }
  }
  const each = Object.fromEntries([...runs].map(([name, of]) => [name, of.map((run) => Object.fromEntries(run))]));
  return { figures, rounds: each, says: Object.fromEntries(says), quick: values.quick };
}

function sized(load: Load): Load {
  return values.quick ? { ...load, total: Math.ceil(load.total * QUICK_SHARE) } : load;
}

function chosen<T extends { readonly name: string }>(
  option: string,
  wanted: string | undefined,
  all: readonly T[],
): readonly T[] {
  if (wanted === undefined) return all;
  const names = wanted.split(',');
  const unknown = names.filter((name) => !all.some((one) => one.name === name));
  if (unknown.length === 0) return all.filter(({ name }) => names.includes(name));
  throw new Error(`${option} ${unknown.join(',')}: there is ${all.map(({ name }) => name).join(', ')}`);
}
