// `npm run verify`: every promise about the code base that a machine can check, in one run, with one last line of counts.
// Each check counts as one and each jest test as one; the exit code is 0 only when nothing failed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { env, execPath, exit, stdout } from 'node:process';

const ROOT = dirname(dirname(import.meta.dirname));
const BIN = join(ROOT, 'node_modules', '.bin');
const RESULTS = join(ROOT, '.cache', 'jest-results.json');

type Check = { readonly name: string; readonly command: readonly [string, ...string[]] };
type Count = { readonly passed: number; readonly failed: number };

const CHECKS: readonly Check[] = [
  { name: 'lock file covers every platform', command: ['node', 'tools/src/complete-lock.ts', '--check'] },
  { name: 'project references match package.json', command: ['node', 'tools/src/sync-references.ts', '--check'] },
  { name: 'build', command: ['tsc', '-b'] },
  { name: 'types of specs', command: ['tsc', '-p', 'tsconfig.spec.json'] },
  { name: 'lint', command: ['oxlint'] },
  { name: 'format', command: ['oxfmt', '--check', '.'] },
  { name: 'boundaries', command: ['depcruise', '--config', '.dependency-cruiser.mjs', 'apps', 'libs', 'tools', 'bench'] },
  // Documents that are generated from the code may not drift from it.
  { name: 'generated documents', command: ['node', 'tools/src/docs/generate.ts', '--check'] },
];

const JEST = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];

function main(): void {
  const checks = CHECKS.map(runCheck);
  const tests = runTests();
  const passed = checks.filter(Boolean).length + tests.passed;
  const failed = checks.filter((ok) => !ok).length + tests.failed;
  stdout.write(`${passed} passed, ${failed} failed\n`);
  exit(failed === 0 ? 0 : 1);
}

function runCheck({ name, command: [tool, ...args] }: Check): boolean {
  const began_at = Date.now();
  const { status, output } = run(tool, args, 'pipe');
  const seconds = ((Date.now() - began_at) / 1000).toFixed(1);
  stdout.write(`${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)\n`);
  // A passing check has nothing to say.
  if (status !== 0) stdout.write(`${output}\n`);
  return status === 0;
}

function runTests(): Count {
  rmSync(RESULTS, { force: true });
  mkdirSync(dirname(RESULTS), { recursive: true });
  const { status } = run('node', [...JEST, '--json', '--outputFile', RESULTS], 'inherit');
  const count = readCount();
  // Jest can fail without a failing test (a leaked handle, a broken teardown); that must not read as success.
  return count.failed === 0 && status !== 0 ? { ...count, failed: 1 } : count;
}

function readCount(): Count {
  if (!existsSync(RESULTS)) return { passed: 0, failed: 1 };
  const results = JSON.parse(readFileSync(RESULTS, 'utf8')) as Record<
    'numPassedTests' | 'numFailedTests' | 'numPendingTests' | 'numRuntimeErrorTestSuites',
    number
  >;
  // On a CI machine a skipped test is a promise nobody checked.
  const skipped = env['CI'] === undefined ? 0 : results.numPendingTests;
  return { passed: results.numPassedTests, failed: results.numFailedTests + results.numRuntimeErrorTestSuites + skipped };
}

function run(tool: string, args: readonly string[], output: 'pipe' | 'inherit'): { status: number; output: string } {
  const command = tool === 'node' ? execPath : join(BIN, tool);
  const result = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    env: {
      ...env,
      ...(output === 'pipe' ? { NO_COLOR: '1' } : {}),
      PATH: [BIN, env['PATH']].join(delimiter),
      NX_DAEMON: 'false',
    },
    maxBuffer: OUTPUT_BYTES_MAX,
    // The JSON report goes to its file; jest's own words go to stderr, which is shown.
    stdio: output === 'pipe' ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32' && tool !== 'node',
  });
  if (result.error !== undefined) return { status: 1, output: `${tool} could not be run (${result.error.message}); run npm ci` };
  return { status: result.status ?? 1, output: `${result.stdout ?? ''}${result.stderr ?? ''}`.trim() };
}

const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

main();
