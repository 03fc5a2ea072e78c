import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Agent } from '@baton/contracts';
import type { AgentOutcome } from '@baton/ports';
import { eventually, keepsAgentRuntimeContract, taskEnvelope } from '@baton/testing';
import { openSandbox } from '@baton/workbench';
import { commandAgentRuntime, type CommandAgentOptions } from './command-agent-runtime.ts';

const WITHIN = { within_ms: 10_000 };
const shell = (script: string, environment: string[] = []): Agent => ({
  runtime: 'command',
  command: ['sh', '-c', script],
  environment,
});
const result = (fields: object): string =>
  `'${JSON.stringify({ baton: 'result/v1', status: 'done', summary: 'It is done', ...fields })}'`;
const answering = (fields: object = {}): string => `cat >/dev/null; echo ${result(fields)}`;

const AGENTS = {
  answers: shell(answering({ output: 'the answer' })),
  fails: shell(`${answering({ status: 'failed', failure_class: 'policy' })}; exit 1`),
  failsWithoutClass: shell(answering({ status: 'failed' })),
  crashes: shell('echo last words >&2; exit 7'),
  saysNothing: shell('echo {not json}; echo done'),
  answersBadly: shell(answering({ summary: undefined })),
  // The child ignores SIGTERM as well; both write who they are.
  hangs: shell('trap "" TERM; (echo $$ > child; sleep 1000; sleep 1000) & echo $$ > parent; while :; do sleep 1000; done'),
};

async function makeSetup(options: Partial<CommandAgentOptions> = {}) {
  const root = await mkdtemp(join(tmpdir(), 'agent-command-'));
  const [directory, temp_dir] = [await mkdtemp(join(root, 'work-')), join(root, 'temp')];
  const runtime = commandAgentRuntime({
    environment: process.env,
    kill_grace_ms: 100,
    output_bytes_max: 100_000,
    temp_dir,
    ...options,
  });
  return {
    runtime,
    directory,
    temp_dir,
    anythingLeft: async () => (await runningIn(directory)).length > 0,
    hanging: async () => {
      await eventually(() => existsSync(join(directory, 'child')) && existsSync(join(directory, 'parent')), WITHIN);
    },
    dispose: () => rm(root, { recursive: true, force: true }),
  };
}

/** Processes whose working directory it is: whatever group or session they are in. */
async function runningIn(directory: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const places = await Promise.all(ids.map((id) => readlink(`/proc/${id}/cwd`).catch(() => '')));
  return places.filter((place) => place === directory);
}

const sandboxes = (['off', 'preferred'] as const).map((setting) =>
  openSandbox({ setting, network: 'none', readable: [], environment: process.env, limits: { processes_max: 20 } }),
);

describe.each(sandboxes.map((sandbox) => [sandbox.mode, sandbox] as const))('command agent runtime in %s', (mode, sandbox) => {
  keepsAgentRuntimeContract(AGENTS, () => makeSetup({ sandbox }));

  it('says by what its agents are confined, and which limit one broke', async () => {
    const { runtime, directory, dispose } = await makeSetup({ sandbox });
    expect(runtime.sandbox).toBe(mode);
    const agent = shell('i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i+1)); done; wait');
    const signal = new AbortController().signal;
    expect(await runtime.run({ agent, envelope: taskEnvelope(), directory, signal })).toMatchObject({
      status: 'failed',
      failure_class: 'policy',
      cause: expect.stringMatching(/budget_exceeded \(processes\): more than 20 .*BATON_RUN_PROCESSES_MAX/),
    });
    await dispose();
  });
});

describe('command agent runtime', () => {
  keepsAgentRuntimeContract(AGENTS, makeSetup);

  let setup: Awaited<ReturnType<typeof makeSetup>>;
  beforeEach(async () => {
    setup = await makeSetup({
      environment: { PATH: process.env['PATH'], API_KEY: 'named', SECRET: 'not named', HOME: '/real/home' },
    });
  });
  afterEach(() => setup.dispose());
  const run = (agent: Agent, directory: string | null = setup.directory): Promise<AgentOutcome> =>
    setup.runtime.run({ agent, envelope: taskEnvelope(), directory, signal: new AbortController().signal });
  const file = (name: string): Promise<string> => readFile(join(setup.directory, name), 'utf8');

  it('gives the agent its envelope and its directory', async () => {
    expect(await run(shell(`cat > envelope; echo ${result({})}`))).toMatchObject({ status: 'done' });
    expect(JSON.parse(await file('envelope'))).toEqual(taskEnvelope());
  });

  it('shows the agent exactly the variables it was promised', async () => {
    await run(shell(`env > seen; ls -A "$HOME" > home; ${answering()}`, ['API_KEY', 'NOT_THERE']));
    const seen = (await file('seen'))
      .split('\n')
      .flatMap((line) => /^(\w+)=/.exec(line)?.[1] ?? [])
      .filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name));
    expect(seen.toSorted()).toEqual(['API_KEY', 'HOME', 'LANG', 'PATH', 'TMPDIR']);
    expect(await file('seen')).not.toContain('/real/home');
    expect(await file('home')).toBe('');
  });

  it('hands over the real home to an agent that names it', async () => {
    await run(shell(`echo "$HOME" > home; ${answering()}`, ['HOME']));
    expect(await file('home')).toBe('/real/home\n');
  });

  it('leaves nothing in the temp directory, also what was made unwritable', async () => {
    await run(shell(`mkdir "$HOME/cache"; echo x > "$HOME/cache/file"; chmod 500 "$HOME/cache"; ${answering()}`));
    expect(await readdir(setup.temp_dir)).toEqual([]);
  });

  it('ends what an agent left running behind its back, also in another process group', async () => {
    expect(await run(shell(`set -m; sleep 1000 & set +m; sleep 1000 & ${answering()}`))).toMatchObject({ status: 'done' });
    expect(await runningIn(setup.directory)).toEqual([]);
  });

  it('survives an agent that does not read what it is given', async () => {
    const envelope = taskEnvelope({ instructions: 'long '.repeat(100_000) });
    const outcome = await setup.runtime.run({
      agent: shell(`exec 0<&-; echo ${result({})}`),
      envelope,
      directory: setup.directory,
      signal: new AbortController().signal,
    });
    expect(outcome).toMatchObject({ status: 'done' });
  });

  it('keeps the end of what is printed without end', async () => {
    const outcome = await run(
      shell(`cat >/dev/null; yes filler | head -c 3500000; echo ${result({ output: 'after the flood' })}`),
    );
    expect(outcome).toMatchObject({ status: 'done', result: { output: 'after the flood' } });
  });

  it('takes the last line that says it is a result, in the middle of other output', async () => {
    const outcome = await run(
      shell(
        `cat >/dev/null; echo ${result({ output: 'an example' })}; echo ${result({ output: 'meant' })}; echo '{"level":"info"}'; echo bye`,
      ),
    );
    expect(outcome).toMatchObject({ status: 'done', result: { output: 'meant' } });
  });

  it('does not fall back to an earlier result where the last does not fit', async () => {
    expect(await run(shell(`cat >/dev/null; echo ${result({})}; echo ${result({ status: 'perhaps' })}`))).toMatchObject({
      status: 'failed',
      failure_class: 'semantic',
      cause: expect.stringContaining('"status"'),
    });
  });

  it('does not believe an answer that was followed by a bad end', async () => {
    expect(await run(shell(`${answering()}; exit 3`))).toMatchObject({
      status: 'failed',
      failure_class: 'transient',
      cause: expect.stringContaining('exit code 3'),
    });
    expect(await run(shell(`${answering()}; kill -SEGV $$`))).toMatchObject({
      status: 'failed',
      failure_class: 'transient',
      cause: expect.stringContaining('exit code 139'),
    });
  });

  it('names a program that is not there or cannot be run, and the fix', async () => {
    const command = (program: string): Agent => ({ runtime: 'command', command: [program], environment: [] });
    expect(await run(command('no-such-agent'))).toMatchObject({
      status: 'failed',
      failure_class: 'semantic',
      cause: expect.stringMatching(/"no-such-agent" was not found; install/),
    });
    await writeFile(join(setup.directory, 'agent'), 'not a program');
    await chmod(join(setup.directory, 'agent'), 0o600);
    expect(await run(command('./agent'))).toMatchObject({
      status: 'failed',
      failure_class: 'semantic',
      cause: expect.stringContaining('chmod +x'),
    });
  });

  it('does not blame the program for a directory that is gone', async () => {
    expect(await run(shell('true'), join(setup.directory, 'gone'))).toMatchObject({
      status: 'failed',
      failure_class: 'transient',
      cause: expect.stringContaining('is gone'),
    });
  });

  it('passes arguments as they are, without a shell', async () => {
    const agent: Agent = {
      runtime: 'command',
      command: ['sh', '-c', `cat >/dev/null; printf %s "$1" > argument; echo ${result({})}`, 'sh', '$(touch canary); `id` *'],
      environment: [],
    };
    await run(agent);
    expect(await file('argument')).toBe('$(touch canary); `id` *');
  });

  it('works without a directory', async () => {
    expect(await run(AGENTS.answers, null)).toMatchObject({ status: 'done' });
  });
});
