/** The executor with real git and real agents, on a repository of its own. */
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { commandAgentRuntime } from '@baton/agent-command';
import { scriptedAgentRuntime } from '@baton/agent-scripted';
import type { BatonEvent, DataOf, EventType } from '@baton/contracts';
import { MISSION, ownerRepository, serviceBench } from '@baton/testing';
import type { Redactor, Sandbox } from '@baton/workbench';
import { gitWorkspaces } from '@baton/workspace-git';
import { scratchWorkspaces } from '@baton/workspace-scratch';
import { executor } from '../src/work.ts';

const streamOf = (task_id: string): string => `task-${MISSION}.${task_id}`;

/** As libs/event-store says it. */
const away = (): Error => Object.assign(new Error('Postgres did not answer put-artifact'), { name: 'StoreUnreachable' });

export async function bench(options: { readonly sandbox?: Sandbox; readonly redactor?: Redactor } = {}) {
  const store = { puts_refused: 0, told: [] as string[] };
  const root = await mkdtemp(join(tmpdir(), 'executor-'));
  const repository = join(root, 'repository');
  await ownerRepository(repository, { 'README.md': 'A project\n', 'src/one.txt': 'one\n' });
  const environment = { PATH: process.env['PATH'], HOME: root };
  const work_dir = join(root, 'work');
  const agents = commandAgentRuntime({
    environment,
    kill_grace_ms: 100,
    output_bytes_max: 100_000,
    temp_dir: join(root, 'agents'),
    ...(options.sandbox ? { sandbox: options.sandbox } : {}),
    ...(options.redactor ? { redact: options.redactor.text } : {}),
  });
  const { record, faults, recorded, deliver, types, last, workEnds, pass, stop } = serviceBench(({ artifacts: kept }) => {
    const put = (bytes: Uint8Array): Promise<string> => (store.puts_refused-- > 0 ? Promise.reject(away()) : kept.put(bytes));
    const artifacts = { ...kept, put };
    return executor({
      runtimes: [agents, scriptedAgentRuntime()],
      git: gitWorkspaces({ root_dir: work_dir, artifacts, git_timeout_ms: 30_000, environment, ...options }),
      scratch: scratchWorkspaces({ artifacts, environment }),
      redact: options.redactor?.text ?? ((text) => text),
      onStoreAway: (stream) => void store.told.push(stream),
    });
  });
  return {
    root,
    repository,
    artifacts: record.artifacts,
    /** So many times, what is put is not kept, because the store is away. */
    store,
    faults,
    workEnds,
    pass,
    /** Puts another service's event on the record and hands it to the executor. */
    deliver: async (event: BatonEvent, stream = `plan-${MISSION}`): Promise<void> =>
      deliver(await recorded('planner', stream, event), 'executor-start'),
    types: (task_id: string): Promise<readonly EventType[]> => types(streamOf(task_id)),
    last: <T extends EventType>(task_id: string, type: T): Promise<DataOf<T>> => last(streamOf(task_id), type),
    file: (name: string): Promise<string> => readFile(join(root, name), 'utf8'),
    /** Directories in which an attempt still is, or has left something. */
    workspacesLeft: async (): Promise<readonly string[]> => {
      const processes = await readdir(join(work_dir, 'workspaces'));
      return (await Promise.all(processes.map((name) => readdir(join(work_dir, 'workspaces', name))))).flat();
    },
    dispose: async () => {
      await stop();
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
