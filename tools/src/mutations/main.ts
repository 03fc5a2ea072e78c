/** `npm run test:mutations`: every guard of the list is switched off in turn, and each has to turn its test red. */
import { dirname } from 'node:path';
import { env, exit, stdout } from 'node:process';
import { parseArgs } from 'node:util';
import { copyOf } from './copy.ts';
import { PROMISES, type Guard } from './guard.ts';
import { GUARDS } from './guards/list.ts';
import { greenBefore, isRed, switchOff, type Outcome } from './run.ts';

const REPOSITORY = dirname(dirname(dirname(import.meta.dirname)));

const print = (line: string): void => void stdout.write(`${line}\n`);
const WORDS = { held: '', unnoticed: 'NOBODY NOTICED: ', 'not-tried': 'not tried: ' } as const;
const row = (cells: readonly [string, string, string, string]): string =>
  `${cells[0].padEnd(66)} ${cells[1].padEnd(7)} ${cells[2].padStart(7)}  ${cells[3]}`;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    /** `2/4`: the second quarter of the list. */
    part: { type: 'string', default: '1/1' },
    list: { type: 'boolean', default: false },
    /** A guard that cannot be tried on this machine counts as one that nobody noticed: so on CI, where nobody reads the table. */
    strict: { type: 'boolean', default: (env['CI'] ?? '') !== '' },
  },
});

const [part = 1, parts = 1] = values.part.split('/').map(Number);
const only = values.only?.split(',').map((name) => name.trim());
const chosen = GUARDS.filter(({ name }) => only === undefined || only.some((wanted) => name.includes(wanted))).filter(
  (_, index, all) => Math.floor((index * parts) / all.length) === part - 1,
);

if (values.list) for (const { name, promise, file } of chosen) print(row([name, promise, '', `${PROMISES[promise]} (${file})`]));
else exit(await main());

async function main(): Promise<number> {
  if (chosen.length === 0) {
    print('no guard is called so; see npm run test:mutations -- --list');
    return 2;
  }
  const copy = copyOf(REPOSITORY);
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      copy.remove();
      exit(1);
    });
  try {
    print(row(['guard', 'promise', 'seconds', 'red test']));
    const unfit = await greenBefore(copy, chosen);
    const outcomes: Outcome[] = [...unfit];
    for (const outcome of unfit) print(rowOf(outcome));
    for (const guard of chosen.filter((candidate) => !unfit.some((outcome) => outcome.guard === candidate))) {
      const outcome = await switchOff(copy, guard);
      outcomes.push(outcome);
      print(rowOf(outcome));
    }
    return conclude(chosen, outcomes);
  } finally {
    copy.remove();
  }
}

function rowOf({ guard, status, told, took_ms }: Outcome): string {
  return row([guard.name, guard.promise, (took_ms / 1_000).toFixed(1), `${WORDS[status]}${told}`]);
}

function conclude(guards: readonly Guard[], outcomes: readonly Outcome[]): number {
  const count = (status: Outcome['status']): number => outcomes.filter((outcome) => outcome.status === status).length;
  if (count('not-tried') > 0)
    print(`${String(count('not-tried'))} could not be tried on this machine${values.strict ? ', which counts as failed' : ''}`);
  print(`${String(count('held'))} of ${String(guards.length)} guards are held by a test`);
  return isRed(outcomes, values.strict) ? 1 : 0;
}
