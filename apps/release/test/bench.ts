/** The release service as it runs in production, with real git, on a record in memory and a repository of its own. */
import { execFile } from 'node:child_process';
import { hash, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { parseStored, type BatonEvent, type DataOf, type EventRecord, type EventType, type StoredEvent } from '@baton/contracts';
import { createService, noInstruments, type ServiceRuntime } from '@baton/handling';
import { memoryRecord } from '@baton/simulation';
import { eventually } from '@baton/testing';
import { gitWorkspaces } from '@baton/workspace-git';
import { scratchWorkspaces } from '@baton/workspace-scratch';
import { targetLocks } from '../src/target-locks.ts';
import { release } from '../src/work.ts';

export const WITHIN = { within_ms: 20_000 };
const STOP_GRACE_MS = 0;
type Files = Readonly<Record<string, string>>;

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
const ownerGit = async (directory: string, ...args: string[]): Promise<string> =>
  (await exec('git', args, { cwd: directory, env: OWNER })).stdout.trim();
const writeFiles = async (directory: string, files: Files): Promise<void> => {
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content);
};

export async function bench(files: Files) {
  const root = await mkdtemp(join(tmpdir(), 'release-'));
  const [checkout, bare] = [join(root, 'checkout'), join(root, 'bare.git')];
  await mkdir(checkout);
  await ownerGit(checkout, 'init', '--quiet', '--initial-branch=main');
  await writeFiles(checkout, files);
  await ownerGit(checkout, 'add', '.');
  await ownerGit(checkout, 'commit', '--quiet', '-m', 'Begin');
  await ownerGit(root, 'clone', '--quiet', '--bare', checkout, bare);
  await ownerGit(checkout, 'remote', 'add', 'origin', bare);

  const record = memoryRecord({ now_ms: () => performance.now(), sha256: (bytes) => hash('sha256', bytes, 'buffer') });
  const { log, artifacts, leases } = record;
  const environment = { PATH: process.env['PATH'], HOME: root };
  const workspaces = (name: string) =>
    gitWorkspaces({ root_dir: join(root, name), artifacts, git_timeout_ms: 30_000, environment });
  const agents = workspaces('executor');
  const faults: string[] = [];
  const runtime: ServiceRuntime = createService(
    release({
      git: workspaces('release'),
      scratch: scratchWorkspaces({ artifacts, environment }),
      locks: targetLocks(leases, 'r1'),
    }),
    {
      log,
      dead_letters: record.deadLetters,
      holder: 'r1',
      slots: 2,
      instruments: { ...noInstruments, fault: (what, error) => void faults.push(`${what}: ${String(error)}`) },
    },
  );
  const repository = { url: bare, target: 'main' };

  /** Puts another service's event on the record. */
  const recorded = async ({ type, data }: BatonEvent, stream: string): Promise<StoredEvent> => {
    const { mission_id } = data;
    const meta = {
      schema_version: 1,
      correlation_id: mission_id,
      causation_id: 'spec',
      actor: { kind: 'service', id: 'planner' },
    };
    const event = { id: randomUUID(), type, meta: JSON.stringify(meta), data: JSON.stringify(data) };
    const expected_version = (await log.load(stream)).length;
    const appended = await log.append({ stream, expected_version, events: [event], deadline: null });
    if (appended.status !== 'appended') throw new Error(`${type} was not appended to ${stream}: ${appended.status}`);
    return appended.events.at(0)!;
  };
  const deliver = async (stored: StoredEvent, deliveries = 1): Promise<void> => {
    const settlement = await runtime.receive({
      kind: 'event',
      consumer: 'release-react',
      subject: `baton.event.plan.${stored.type}`,
      headers: { 'ce-subject': stored.stream },
      body: stored.data,
      deliveries,
      sequence: stored.position,
      event: () => parseStored(stored),
    });
    if (!settlement.ack) throw new Error(`${stored.type} was not acknowledged: ${faults.join('; ')}`);
  };
  const events = async (mission_id: string): Promise<readonly EventRecord[]> =>
    (await log.load(`release-${mission_id}`)).map(parseStored);

  return {
    repository,
    faults,
    recorded,
    deliver,
    /** What an executor would have handed on: these files, written in a workspace of its own. */
    artifact: async (task_id: string, changed: Files) => {
      const base = { repository, inputs: [] };
      const workspace = await agents.open({ name: task_id, base, signal: new AbortController().signal });
      await writeFiles(workspace.directory!, changed);
      const collected = await workspace.collect({ write_set: ['**'], write_set_exclude: [], output: null, message: task_id });
      await workspace.discard();
      if (collected.status !== 'collected') throw new Error(`the change of ${task_id} is ${collected.status}`);
      return { task_id, artifact: collected.change.artifact, tree: collected.change.tree };
    },
    /** What somebody else pushes to the target meanwhile. */
    commitElsewhere: async (changed: Files): Promise<string> => {
      await ownerGit(checkout, 'pull', '--quiet', '--ff-only', 'origin', 'main');
      await writeFiles(checkout, changed);
      await ownerGit(checkout, 'add', '.');
      await ownerGit(checkout, 'commit', '--quiet', '-m', 'Somebody else was here');
      await ownerGit(checkout, 'push', '--quiet', 'origin', 'HEAD:main');
      return ownerGit(checkout, 'rev-parse', 'HEAD');
    },
    main: (format: string): Promise<string> => ownerGit(bare, 'log', '-1', `--format=${format}`, 'main'),
    commits: async (): Promise<number> => Number(await ownerGit(bare, 'rev-list', '--count', 'main')),
    fileOnMain: (path: string): Promise<string> => ownerGit(bare, 'show', `main:${path}`),
    workEnds: () => eventually(() => runtime.stats().running_work === 0, { ...WITHIN, what: 'the end of the work' }),
    types: async (mission_id: string): Promise<readonly EventType[]> => (await events(mission_id)).map(({ type }) => type),
    /** The data of the last event of this type in the release's stream. */
    last: async <T extends EventType>(mission_id: string, type: T): Promise<DataOf<T>> => {
      const found = (await events(mission_id)).findLast((event) => event.type === type);
      if (!found) throw new Error(`${type} did not happen to ${mission_id}; faults: ${faults.join('; ')}`);
      return found.data as DataOf<T>;
    },
    letters: () => record.deadLetters.list(),
    dispose: async () => {
      await runtime.stop(STOP_GRACE_MS);
      await rm(root, { recursive: true, force: true });
    },
  };
}
export type Bench = Awaited<ReturnType<typeof bench>>;
