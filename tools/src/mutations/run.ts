/** Switches guards off, one at a time, and sees whether the test that should notice does. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { env, execPath } from 'node:process';
import type { Copy } from './copy.ts';
import { namesOf, withoutGuard, type Guard } from './guard.ts';

export interface Outcome {
  readonly guard: Guard;
  /** `not-tried`: the test does not exist on this machine. */
  readonly status: 'held' | 'unnoticed' | 'not-tried';
  /** The first test that was red, or what happened instead. */
  readonly told: string;
  readonly took_ms: number;
}

/** What was not tried is not known to be held. */
export const isRed = (outcomes: readonly Pick<Outcome, 'status'>[], strict: boolean): boolean =>
  outcomes.some(({ status }) => status === 'unnoticed' || (strict && status === 'not-tried'));

/** A guard that is off may let something go on for ever; that is not the named test being red. */
const RUN_MS_MAX = 180_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const TOLD_CHARS_MAX = 300;

interface Ran {
  readonly tests: readonly { readonly spec: string; readonly name: string; readonly status: string }[];
  /** Why there is no more than that; empty where all was run. */
  readonly broken: string;
}

/** With every guard in place; tells of each whose test is not green even so. */
export async function greenBefore(copy: Copy, guards: readonly Guard[]): Promise<readonly Outcome[]> {
  const began_at = Date.now();
  const ran = await jest(copy, [...new Set(guards.map(({ spec }) => spec))], [...new Set(guards.map(({ test }) => test))]);
  return guards.flatMap((guard): readonly Outcome[] => {
    const tests = ran.tests.filter(({ spec, name }) => spec === guard.spec && isNamed(name, guard));
    const bad = tests.find(({ status }) => status !== 'passed');
    const took_ms = Date.now() - began_at;
    if (tests.length > 0 && bad === undefined) return [];
    if (tests.length === 0 && guard.needs !== undefined && !isInstalled(guard.needs))
      return [{ guard, status: 'not-tried', told: `${guard.needs} is not installed here`, took_ms }];
    const told = bad ? `is ${bad.status} with every guard in place: ${bad.name}` : `no test of this name was run. ${ran.broken}`;
    return [{ guard, status: 'unnoticed', told: told.trim(), took_ms }];
  });
}

export async function switchOff(copy: Copy, guard: Guard): Promise<Outcome> {
  const began_at = Date.now();
  const mutant = withoutGuard(guard, readFileSync(join(copy.root, guard.file), 'utf8'));
  const { tests, broken } = await copy.during(guard.file, mutant, () => jest(copy, [guard.spec], [guard.test]));
  const took_ms = Date.now() - began_at;
  const red = tests.find(({ name, status }) => isNamed(name, guard) && status === 'failed');
  if (red) return { guard, status: 'held', told: red.name, took_ms };
  return { guard, status: 'unnoticed', told: broken === '' ? 'every test stayed green' : broken, took_ms };
}

const isNamed = (name: string, { test }: Guard): boolean => new RegExp(namesOf(test)).test(name);

async function jest(copy: Copy, specs: readonly string[], tests: readonly string[]): Promise<Ran> {
  const results = join(copy.root, 'jest-results.json');
  rmSync(results, { force: true });
  const args = [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    join(copy.root, 'node_modules/jest/bin/jest.js'),
    ...['--rootDir', copy.root, '--config', join(copy.root, 'jest.config.mjs'), '--cacheDirectory', join(copy.root, '.cache')],
    ...['--runTestsByPath', ...specs.map((spec) => join(copy.root, spec))],
    ...['--testNamePattern', tests.map(namesOf).join('|')],
    ...['--json', '--outputFile', results, '--forceExit'],
  ];
  const said = await run(args, copy.root);
  if (!existsSync(results)) return { tests: [], broken: `jest came to no end: ${said}` };
  const { testResults } = JSON.parse(readFileSync(results, 'utf8')) as Results;
  const ran = testResults.flatMap(({ name: path, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status !== 'pending')
      .map(({ fullName, status }) => ({ spec: path.slice(copy.root.length + 1).replaceAll('\\', '/'), name: fullName, status })),
  );
  const unable = testResults.find(({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0);
  return {
    tests: ran,
    broken: unable === undefined ? '' : `the spec could not be run: ${unable.message.slice(0, TOLD_CHARS_MAX)}`,
  };
}

interface Results {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** The end of what it said. A run that takes too long is ended in such a way that it stops its servers. */
function run(args: readonly string[], cwd: string): Promise<string> {
  const { NODE_OPTIONS: _options, JEST_WORKER_ID: _worker, ...environment } = env;
  return new Promise((resolve) => {
    execFile(
      execPath,
      [...args],
      {
        cwd,
        env: { ...environment, NO_COLOR: '1' },
        timeout: RUN_MS_MAX,
        killSignal: 'SIGTERM',
        maxBuffer: OUTPUT_BYTES_MAX,
      },
      (error, stdout, stderr) => {
        const why = error?.killed === true ? `it took longer than ${String(RUN_MS_MAX)} ms. ` : '';
        resolve(`${why}${`${stdout}${stderr}`.trim().slice(-TOLD_CHARS_MAX)}`);
      },
    );
  });
}

const isInstalled = (program: string): boolean =>
  (env['PATH'] ?? '').split(delimiter).some((directory) => existsSync(join(directory, program)));
