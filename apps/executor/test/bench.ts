/** The executor as it runs in production, with real git and real agents, on a record in memory and a repository of its own. */
import { execFile } from 'node:child_process';
import { hash, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { commandAgentRuntime } from '@baton/agent-command';
import { scriptedAgentRuntime } from '@baton/agent-scripted';
import { parseStored, type BatonEvent, type DataOf, type EventRecord, type EventType } from '@baton/contracts';
import { createService, noInstruments, type ServiceRuntime } from '@baton/handling';
import { memoryRecord } from '@baton/simulation';
import { eventually } from '@baton/testing';
import type { Redactor, Sandbox } from '@baton/workbench';
import { gitWorkspaces } from '@baton/workspace-git';
import { scratchWorkspaces } from '@baton/workspace-scratch';
import { executor } from '../src/work.ts';

export const MISSION = 'm-1';
export const WITHIN = { within_ms: 20_000 };
const STOP_GRACE_MS = 0;

const exec = promisify(execFile);
const OWNER = {
  PATH: process.env['PATH'],
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TEMPLATE_DIR: '',
  GIT_AUTHOR_NAME: 'Owner',
  GIT_AUTHOR_EMAIL: 'owner@localhost',
  GIT_COMMITTER_NAME: 'Owner',
  GIT_COMMITTER_EMAIL: 'owner@localhost',
};
export const ownerGit = async (directory: string, ...args: string[]): Promise<string> =>
  (await exec('git', args, { cwd: directory, env: OWNER })).stdout.trim();

export async function bench(options: { readonly sandbox?: Sandbox; readonly redactor?: Redactor } = {}) {
  const root = await mkdtemp(join(tmpdir(), 'executor-'));
  const repository = join(root, 'repository');
  await mkdir(join(repository, 'src'), { recursive: true });
  await ownerGit(repository, 'init', '--quiet', '--initial-branch=main');
  await writeFile(join(repository, 'README.md'), 'A project\n');
  await writeFile(join(repository, 'src', 'one.txt'), 'one\n');
  await ownerGit(repository, 'add', '.');
  await ownerGit(repository, 'commit', '--quiet', '-m', 'Begin');

  const { log, artifacts, deadLetters } = memoryRecord({
    now_ms: () => performance.now(),
    sha256: (bytes) => hash('sha256', bytes, 'buffer'),
  });
  const environment = { PATH: process.env['PATH'], HOME: root };
  const work_dir = join(root, 'work');
  const faults: string[] = [];
  const runtime: ServiceRuntime = createService(
    executor({
      runtimes: [
        commandAgentRuntime({
          environment,
          kill_grace_ms: 100,
          output_bytes_max: 100_000,
          temp_dir: join(root, 'agents'),
          ...(options.sandbox ? { sandbox: options.sandbox } : {}),
          ...(options.redactor ? { redact: options.redactor.text } : {}),
        }),
        scriptedAgentRuntime(),
      ],
      git: gitWorkspaces({ root_dir: work_dir, artifacts, git_timeout_ms: 30_000, environment, ...options }),
      scratch: scratchWorkspaces({ artifacts, environment }),
      redact: options.redactor?.text ?? ((text) => text),
    }),
    {
      log,
      dead_letters: deadLetters,
      holder: 'executor-1',
      slots: 2,
      instruments: { ...noInstruments, fault: (what, error) => void faults.push(`${what}: ${String(error)}`) },
    },
  );

  /** Puts another service's event on the record and hands it to the executor. */
  const deliver = async ({ type, data }: BatonEvent, stream = `plan-${MISSION}`): Promise<void> => {
    const meta = {
      schema_version: 1,
      correlation_id: MISSION,
      causation_id: 'spec',
      actor: { kind: 'service', id: 'planner' },
    };
    const event = { id: randomUUID(), type, meta: JSON.stringify(meta), data: JSON.stringify(data) };
    const expected_version = (await log.load(stream)).length;
    const appended = await log.append({ stream, expected_version, events: [event], deadline: null });
    if (appended.status !== 'appended') throw new Error(`${type} was not appended to ${stream}: ${appended.status}`);
    const stored = appended.events.at(0)!;
    const settlement = await runtime.receive({
      kind: 'event',
      consumer: 'executor-start',
      subject: `baton.event.plan.${type}`,
      headers: { 'ce-subject': stream },
      body: stored.data,
      deliveries: 1,
      sequence: stored.position,
      event: () => parseStored(stored),
    });
    if (!settlement.ack) throw new Error(`${type} was not acknowledged: ${faults.join('; ')}`);
  };
  const events = async (task_id: string): Promise<readonly EventRecord[]> =>
    (await log.load(`task-${MISSION}.${task_id}`)).map(parseStored);

  return {
    root,
    repository,
    artifacts,
    faults,
    runtime,
    deliver,
    types: async (task_id: string): Promise<readonly EventType[]> => (await events(task_id)).map(({ type }) => type),
    /** The data of the last event of this type in the task's stream. */
    last: async <T extends EventType>(task_id: string, type: T): Promise<DataOf<T>> => {
      const found = (await events(task_id)).findLast((event) => event.type === type);
      if (!found) throw new Error(`${type} did not happen to ${task_id}; faults: ${faults.join('; ')}`);
      return found.data as DataOf<T>;
    },
    workEnds: () => eventually(() => runtime.stats().running_work === 0, { ...WITHIN, what: 'the end of the work' }),
    file: (name: string): Promise<string> => readFile(join(root, name), 'utf8'),
    /** Directories in which an attempt still is, or has left something. */
    workspacesLeft: async (): Promise<readonly string[]> => {
      const processes = await readdir(join(work_dir, 'workspaces'));
      return (await Promise.all(processes.map((name) => readdir(join(work_dir, 'workspaces', name))))).flat();
    },
    dispose: async () => {
      await runtime.stop(STOP_GRACE_MS);
      await rm(root, { recursive: true, force: true });
    },
  };
}
export type Bench = Awaited<ReturnType<typeof bench>>;

/** A process that ended, reaped or not, is nowhere. */
export const isRunning = (pid: string): Promise<boolean> =>
  readlink(`/proc/${pid}/cwd`).then(
    () => true,
    () => false,
  );
