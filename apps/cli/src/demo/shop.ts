/** The demo's repository: made from examples/, tested before and after by its own tests, looked at with git. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CliProblem, EXIT } from '../exit-codes.ts';
import { REPOSITORY } from '../stack/parts.ts';

const run = promisify(execFile);

export const EXAMPLE = join(REPOSITORY, 'examples', 'replace-logger');
const RUN_MS_MAX = 60_000;
const OUTPUT_BYTES_MAX = 4 * 1024 * 1024;

async function output(command: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    const { stdout } = await run(command, [...args], { cwd, timeout: RUN_MS_MAX, maxBuffer: OUTPUT_BYTES_MAX });
    return stdout.trim();
  } catch (cause) {
    const { stdout = '', stderr = '', message } = cause as Error & { stdout?: string; stderr?: string };
    throw new CliProblem(
      EXIT.unexpected,
      `${command} ${args.join(' ')} failed in ${cwd}:\n${`${stdout}${stderr}`.trim() || message}`,
      '',
      { cause },
    );
  }
}

/** `git version 2.39.5`, or what to do where there is none. */
export async function gitVersion(): Promise<string> {
  try {
    return (await run('git', ['--version'])).stdout.trim();
  } catch (cause) {
    throw new CliProblem(
      EXIT.invalid,
      'git is not there: `git --version` does not run',
      'install git (for example `apt-get install git` or `brew install git`) and start again',
      { cause },
    );
  }
}

export const createShop = (directory: string): Promise<string> =>
  output(process.execPath, [join(EXAMPLE, 'create-repository.mjs'), directory], directory.replace(/[/\\][^/\\]+$/, ''));

/** How many of its tests pass; an error with their output where one fails. */
export async function runTests(directory: string): Promise<number> {
  const said = await output(process.execPath, ['--test', '--test-reporter=tap'], directory);
  return Number(/^# pass (\d+)$/m.exec(said)?.[1] ?? 0);
}

export interface Landed {
  readonly commit: string;
  readonly tree: string;
  readonly stat: string;
}

/** A clone of its own: what others get who fetch the branch, not what lies in somebody's working directory. */
export async function cloneLanded(shop: string, into: string): Promise<Landed> {
  await output('git', ['clone', '--quiet', '--branch', 'main', shop, into], shop);
  const [commit = '', tree = ''] = (await output('git', ['log', '-1', '--format=%H %T'], into)).split(' ');
  return { commit, tree, stat: await output('git', ['log', '-1', '--stat', '--format=%h  %an  %s%n%n%b'], into) };
}
