/** `npm run test:faults`: everything is broken that can be, a table of what came of it, and an exit code. */
import { writeFile } from 'node:fs/promises';
import { env, stdout } from 'node:process';
import { parseArgs } from 'node:util';
import { RECOVERY_MS_MAX } from './fault.ts';
import { FAULTS, openSuite, type Result, type Suite } from './suite.ts';
import { isRed, strictByDefault } from './verdict.ts';

const SEED = 20_261_121;

const print = (line: string): void => void stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(SEED) },
    json: { type: 'string' },
    keep: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    /** What this machine cannot do counts as failed. */
    strict: { type: 'boolean', default: strictByDefault(env) },
  },
});

const only = values.only?.split(',');
const chosen = FAULTS.filter(
  ({ id }) => only === undefined || only.some((wanted) => id === wanted || id.startsWith(`${wanted}.`)),
);
if (values.list) for (const { id, broke } of chosen) print(`${id.padEnd(26)} ${broke}`);
else process.exit(await main());

async function main(): Promise<number> {
  if (chosen.length === 0) {
    print(`no test is called ${values.only}; see npm run test:faults -- --list`);
    return 2;
  }
  const results: Result[] = [];
  const opened = (): Suite => openSuite({ keep: values.keep, told: print });
  let suite = opened();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      print(`${signal}: mending and removing what is left`);
      void suite.close().finally(() => process.exit(1));
    });
  print(row(['test', 'what was broken', 'first ms', 'all ms', 'missions', 'lost', 'twice', 'dead', 'result']));
  try {
    for (let round = 0; round < Number(values.rounds); round++) {
      if (round > 0) {
        // Each round is one of its own: a stack that has been through another one delivers all of that again, too.
        await suite.close();
        suite = opened();
      }
      for (const fault of chosen) {
        const result = await suite.run(fault, Number(values.seed) + round);
        results.push(result);
        print(rowOf(result));
      }
    }
  } finally {
    await suite.close();
  }
  return conclude(results);
}

async function conclude(results: readonly Result[]): Promise<number> {
  const count = (status: Result['status']): number => results.filter((result) => result.status === status).length;
  const kills = results.flatMap(({ recoveries }) => recoveries).filter(({ single_kill }) => single_kill);
  const p99_ms = percentile(
    kills.map(({ all_ms }) => all_ms),
    0.99,
  );
  const late = kills.length > 0 && p99_ms > RECOVERY_MS_MAX;
  print('');
  print(
    'first ms: from the end of the fault until a mission handed in after it is completed; all ms: until every mission has ended.',
  );
  if (kills.length > 0)
    print(
      `${kills.length} single kills: all missions ended within p50 ${Math.round(
        percentile(
          kills.map(({ all_ms }) => all_ms),
          0.5,
        ),
      )} ms, p99 ${Math.round(p99_ms)} ms (at most ${RECOVERY_MS_MAX})${late ? ': TOO LATE' : ''}`,
    );
  const strictly = values.strict && count('skipped') > 0 ? ', which counts as failed' : '';
  print(`${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped${strictly}`);
  print('Not in this suite: T25 (released events: tools/src/golden/golden.spec.ts) and, of T27, other versions of nats-server.');
  if (values.json !== undefined)
    await writeFile(
      values.json,
      `${JSON.stringify({ results, single_kills: kills.length, recovery_p99_ms: p99_ms }, null, 2)}\n`,
    );
  return isRed(results, { late, strict: values.strict }) ? 1 : 0;
}

function rowOf({ id, broke, status, recoveries, findings, told }: Result): string {
  const worst = (of: 'first_ms' | 'all_ms'): string =>
    recoveries.length === 0 ? '' : String(Math.round(Math.max(...recoveries.map((one) => one[of]))));
  const found = (of: 'missions' | 'lost' | 'twice' | 'dead_letters'): string => (findings ? String(findings[of]) : '');
  const cells = [
    id,
    broke,
    worst('first_ms'),
    worst('all_ms'),
    found('missions'),
    found('lost'),
    found('twice'),
    found('dead_letters'),
  ];
  return row([...cells, `${status}${told === '' ? '' : `: ${told}`}`]);
}

function row([id = '', broke = '', ...rest]: readonly string[]): string {
  const told = rest.pop() ?? '';
  return `${id.padEnd(25)} ${broke.padEnd(62).slice(0, 62)} ${rest.map((cell) => cell.padStart(8)).join(' ')}  ${told}`;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
