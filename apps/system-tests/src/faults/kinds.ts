/** What the missions of this suite ask for: each kind leads through parts of the product that the others do not touch. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * `scripted` is done at once; `working` runs a process for a moment, which counts its runs; `landing` changes a git repository
 * and counts its runs as well; `asking` lands when somebody else than its requester has said so.
 */
export type Kind = 'scripted' | 'working' | 'landing' | 'asking';

/** Who hands everything in. */
export const REQUESTER = 'ada';
const WORKS_S = 1;

export interface Places {
  /** Where agents count their runs. */
  readonly counter: string;
  readonly repository: string;
}

const DONE = `echo '{"baton":"result/v1","status":"done","summary":"wrote","output":"hello"}'`;
/** The attempt is in the envelope, which comes as one line. An agent that cannot count fails. */
const COUNTED = [
  'set -e',
  'read -r e',
  `a=$(printf '%s\\n' "$e" | sed 's/.*"attempt":\\([0-9]*\\).*/\\1/')`,
  'test -n "$a"',
  'echo "$1 $a" > "$0"',
].join('; ');

export function contractOf(kind: Kind, key: string, { counter, repository }: Places): object {
  const scripted = { runtime: 'scripted', output: `${key} is written` };
  const agent = {
    scripted,
    asking: scripted,
    working: { runtime: 'command', command: ['sh', '-c', `${COUNTED}; sleep ${WORKS_S}; ${DONE}`, counter, key] },
    landing: { runtime: 'command', command: ['sh', '-c', `${COUNTED}; echo "$0" > "written-$1"; ${DONE}`, counter, key] },
  }[kind];
  return {
    baton: 'mission/v1',
    title: 'Write one document',
    objective: 'There is a document',
    ...(kind === 'landing' ? { repository: { url: repository, target: 'main' } } : {}),
    scope: { include: ['**'] },
    non_goals: ['Anything else'],
    criteria: [
      {
        id: 'written',
        statement: 'The document is not empty',
        ...(kind === 'landing' ? { check: { run: ['test', '-s', `written-${key}`] } } : {}),
      },
    ],
    rollback: 'Throw it away',
    // What the policy lets nobody approve who asked for it.
    risk: kind === 'asking' ? 'high' : 'low',
    agent,
  };
}

/** The key under which a mission's agent counts its runs; null = it does not count. */
export function countedAs({ agent }: { readonly agent: object }, counter: string): string | null {
  const command = 'command' in agent ? (agent.command as readonly string[]) : [];
  return command.at(-2) === counter ? (command.at(-1) ?? null) : null;
}

/** A bare repository whose `main` has one empty commit. */
export async function prepareRepository(repository: string): Promise<void> {
  await run('git', ['init', '--quiet', '--bare', '--initial-branch', 'main', repository]);
  const as = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org'];
  const { stdout: tree } = await run('git', ['-C', repository, 'hash-object', '-t', 'tree', '-w', '/dev/null']);
  const { stdout: commit } = await run('git', ['-C', repository, ...as, 'commit-tree', tree.trim(), '-m', 'Begin']);
  await run('git', ['-C', repository, 'update-ref', 'refs/heads/main', commit.trim()]);
}

export interface Landed {
  readonly commit: string;
  /** From its trailer; empty = nobody's. */
  readonly mission_id: string;
}

/** Every commit of main but the first. */
export async function landedOn(repository: string): Promise<readonly Landed[]> {
  const format = '--format=%H %(trailers:key=Baton-Mission,valueonly,separator=%x20)';
  const { stdout } = await run('git', ['-C', repository, 'log', format, 'main']);
  const commits = stdout.trim().split('\n').slice(0, -1);
  return commits.map((line) => {
    const [commit = '', ...missions] = line.split(' ');
    return { commit, mission_id: missions.join(' ').trim() };
  });
}
