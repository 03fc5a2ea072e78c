/** `npm run bench:parts`: what each part of Baton can do by itself, and how its cost grows; one table, each figure beside what it is held against. */
import { writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { stderr, stdout } from 'node:process';
import { parseArgs } from 'node:util';
import { removeAllStarted } from '../stack.ts';
import { append } from './append.ts';
import { table, type Figure, type Options, type Part } from './figure.ts';
import { artifacts } from './artifacts.ts';
import { foldReplay, readAfter } from './fold.ts';
import { growth } from './growth.ts';
import { handler } from './handler.ts';
import { idle } from './idle.ts';
import { latency } from './latency.ts';
import { memory } from './memory.ts';
import { relay } from './relay.ts';
import { replicas } from './replicas.ts';
import { startUp } from './start-up.ts';
import { tasks } from './tasks.ts';

const PARTS: readonly Part[] = [
  append,
  relay,
  handler,
  foldReplay,
  readAfter,
  artifacts,
  startUp,
  latency,
  growth,
  tasks,
  idle,
  replicas,
  memory,
];

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    large: { type: 'boolean', default: false },
  },
});
const say = (line: string): void => void stderr.write(`${line}\n`);
const options: Options = { large: values.large, quick: values.quick, say };
const parts = chosen(values.only);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    say(`${signal}: stopping what was started`);
    void removeAllStarted().finally(() => process.exit(1));
  });
}
const figures: Figure[] = [];
for (const part of parts) {
  say(`${part.name} ...`);
  const own = await part.run(options);
  for (const line of table(own)) say(`  ${line}`);
  figures.push(...own);
}

const cpu = cpus();
stdout.write(
  `\n${String(cpu.length)} processors (${cpu[0]?.model ?? 'unknown'}), ${String(Math.round(totalmem() / 2 ** 30))} GiB, Node ${process.version}${values.quick ? ', QUICK: a quarter of the work' : ''}\n\n`,
);
stdout.write(`${table(figures).join('\n')}\n`);
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(figures, null, 2)}\n`);

function chosen(only: string | undefined): readonly Part[] {
  if (only === undefined) return PARTS;
  const names = only.split(',');
  const unknown = names.filter((name) => !PARTS.some((part) => part.name === name));
  if (unknown.length > 0) throw new Error(`--only ${unknown.join(',')}: there is ${PARTS.map(({ name }) => name).join(', ')}`);
  return PARTS.filter(({ name }) => names.includes(name));
}
