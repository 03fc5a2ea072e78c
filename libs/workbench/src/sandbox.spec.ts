/** What a program in a sandbox can reach, and that it ends with us. Each door that is shut here is shown to be open without it. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { eventually } from '@baton/testing';
import { runProcess, type ProcessEnd } from './process-group.ts';
import { openSandbox, SandboxMissing, type Sandbox, type SandboxOptions } from './sandbox.ts';

/** Programs are started, killed and waited for, on a machine that has other things to do. */
jest.setTimeout(30_000);

const LIMITS = { processes_max: 40, memory_bytes_max: 600_000_000, file_bytes_max: 1_000_000, output_bytes_max: 3_000_000 };
const options = (changes: Partial<SandboxOptions> = {}): SandboxOptions => ({
  setting: 'preferred',
  network: 'none',
  readable: [],
  limits: LIMITS,
  environment: process.env,
  ...changes,
});
const missing = openSandbox(options()).weaker_because;

let root: string;
let directory: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sandbox-'));
  directory = join(root, 'work');
  await mkdir(directory);
});
afterEach(() => rm(root, { recursive: true, force: true }));

type Run = (command: readonly string[] | string, more?: { timeout_ms?: number; kill_grace_ms?: number }) => Promise<ProcessEnd>;
const runIn =
  (sandbox: Sandbox): Run =>
  (command, more = {}) =>
    runProcess({
      command: typeof command === 'string' ? ['sh', '-c', command] : command,
      directory,
      environment: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: join(directory, 'home') },
      input: '',
      timeout_ms: 30_000,
      kill_grace_ms: 200,
      output_bytes_max: 10_000,
      signal: new AbortController().signal,
      confined: { sandbox, writable: [directory], readable: [] },
      ...more,
    });
const said = async (end: Promise<ProcessEnd>): Promise<string> => (await end).output.toString();

/** Processes that have the text among their arguments. */
const runningWith = (marker: string): readonly string[] =>
  readdirSync('/proc').filter((id) => {
    try {
      return /^\d+$/.test(id) && readFileSync(`/proc/${id}/cmdline`, 'utf8').includes(marker);
    } catch {
      return false;
    }
  });

/** Starts a program from a process of its own, kills that with -9, and tells what is left of the program. */
async function leftAfterKilling(sandbox: 'preferred' | 'off', guarded: boolean): Promise<readonly string[]> {
  const marker = `marker-${String(Math.random()).slice(2)}`;
  const script = `
    import { openSandbox } from ${JSON.stringify(new URL('sandbox.ts', import.meta.url).href)};
    import { runProcess } from ${JSON.stringify(new URL('process-group.ts', import.meta.url).href)};
    const sandbox = openSandbox({ setting: ${JSON.stringify(sandbox)}, network: 'none', readable: [], environment: process.env });
    const confined = { sandbox: ${guarded ? 'sandbox' : '{ ...sandbox, guard: () => () => undefined }'}, writable: [process.argv[1]], readable: [] };
    await runProcess({
      command: ['sh', '-c', 'trap "" TERM HUP; set -m; sleep 1000 & touch begun; while :; do sleep 1000; done', process.argv[2]],
      directory: process.argv[1], environment: { PATH: '/usr/bin:/bin' }, input: '', timeout_ms: 600_000, kill_grace_ms: 100,
      output_bytes_max: 1000, signal: new AbortController().signal, confined,
    });`;
  const parent = spawn(
    process.execPath,
    ['--no-warnings', '--conditions=@baton/source', '--input-type=module', '-e', script, directory, marker],
    { stdio: 'ignore' },
  );
  const ended = new Promise((resolve) => parent.once('exit', resolve));
  await eventually(() => existsSync(join(directory, 'begun')), { within_ms: 20_000, what: 'the start of the program' });
  parent.kill('SIGKILL');
  await ended;
  if (!guarded) {
    const left = runningWith(marker);
    for (const id of left) process.kill(-Number(id), 'SIGKILL');
    return left;
  }
  await eventually(() => runningWith(marker).length === 0, { within_ms: 5_000, what: 'the end of the program' });
  return [];
}

describe('a sandbox that is required', () => {
  it('where there is none is refused, with the fix', () => {
    const refused = (): Sandbox => openSandbox(options({ setting: 'required', environment: { PATH: root } }));
    expect(refused).toThrow(SandboxMissing);
    expect(refused).toThrow(/BATON_SANDBOX=required, but bubblewrap \(bwrap\) is not installed: .*apt-get install bubblewrap/);
  });

  it('where it does not work is refused, with what it says', async () => {
    await writeFile(join(root, 'bwrap'), '#!/bin/sh\necho "no user namespaces here" >&2; exit 1\n');
    await chmod(join(root, 'bwrap'), 0o755);
    expect(() => openSandbox(options({ setting: 'required', environment: { PATH: root } }))).toThrow(/no user namespaces here/);
  });

  it('where it is only preferred becomes the weaker mode, which says why', () => {
    expect(openSandbox(options({ environment: { PATH: root } }))).toMatchObject({
      mode: 'process-group',
      weaker_because: expect.stringContaining('not installed'),
    });
    expect(openSandbox(options({ setting: 'off' }))).toMatchObject({
      mode: 'process-group',
      weaker_because: expect.stringContaining('BATON_SANDBOX=off'),
    });
  });
});

describe('a program in a process group', () => {
  const sandbox = openSandbox(options({ setting: 'off' }));
  keepsLimits(() => runIn(sandbox));

  it('goes on when we are killed and nobody watches, and ends when the watchdog does', async () => {
    expect((await leftAfterKilling('off', false)).length).toBeGreaterThan(0);
    await rm(join(directory, 'begun'));
    expect(await leftAfterKilling('off', true)).toEqual([]);
  });
});

// Without bubblewrap there is nothing to look at; what happens instead is looked at above.
if (missing !== null)
  describe(`a program in bubblewrap (not tried on this machine: ${missing})`, () => {
    it('is refused here where it is required', () => {
      expect(() => openSandbox(options({ setting: 'required' }))).toThrow(SandboxMissing);
    });
  });
else
  describe('a program in bubblewrap', () => {
    const sandbox = openSandbox(options());
    const run = runIn(sandbox);
    const open = runIn(openSandbox(options({ setting: 'off' })));
    keepsLimits(() => run);
    reachesNothingElse(run, open);

    it('ends when we are killed', async () => {
      expect(await leftAfterKilling('preferred', true)).toEqual([]);
    });

    it('leaves no daemon, whatever session it made for itself', async () => {
      const marker = `marker-${String(Math.random()).slice(2)}`;
      expect((await run(`setsid sh -c 'sleep 1000' ${marker} >/dev/null 2>&1 & sleep 0.2; echo done`)).status).toBe('exited');
      expect(runningWith(marker)).toEqual([]);
    });

    it('that exists but cannot be seen in it is told apart from one that does not exist', async () => {
      const hidden = join(root, 'elsewhere', 'agent');
      await mkdir(dirname(hidden));
      await writeFile(hidden, '#!/bin/sh\necho ran\n');
      await chmod(hidden, 0o755);
      await symlink(hidden, join(directory, 'link'));
      expect(await run(['./link'])).toMatchObject({ status: 'not-started', code: 'HIDDEN' });
      expect(await run(['no-such-program'])).toMatchObject({ status: 'not-started', code: 'ENOENT' });
      const shown = runIn(openSandbox(options({ readable: [dirname(hidden)] })));
      expect(await said(shown(['./link']))).toBe('ran\n');
    });

    it('sees a script that its command names, but none that only its owner may read', async () => {
      const script = join(root, 'script.sh');
      await writeFile(script, 'echo seen\n');
      expect(await said(run(['sh', script]))).toBe('seen\n');
      await chmod(script, 0o600);
      expect((await run(['sh', script])).exit_code).not.toBe(0);
      expect((await run(['cat', `/proc/${String(process.pid)}/cmdline`])).output.toString()).toMatch(/No such file/);
    });
  });

function reachesNothingElse(run: Run, open: Run): void {
  let server: Server;
  let port: number;
  beforeEach(async () => {
    server = createServer((socket) => socket.end('reached'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as { port: number }).port;
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const connect = (): string[] => [
    process.execPath,
    '-e',
    `require('node:net').connect(${String(port)}, '127.0.0.1').on('data', (text) => console.log(String(text))).on('error', (error) => console.log(error.code))`,
  ];
  it('reaches no port of this machine, where the databases listen', async () => {
    expect(await said(open(connect()))).toBe('reached\n');
    expect(await said(run(connect()))).toBe('ECONNREFUSED\n');
    const allowed = runIn(openSandbox(options({ network: 'host' })));
    expect(await said(allowed(connect()))).toBe('reached\n');
  });

  it('reads no file of whoever runs it', async () => {
    await writeFile(join(root, 'secret'), 'a secret\n');
    expect(await said(open(`cat ${root}/secret`))).toBe('a secret\n');
    expect(await said(run(`cat ${root}/secret`))).not.toContain('a secret');
    expect(await said(run(`cat /etc/shadow; ls -A "$HOME/.ssh" '${homedir()}/.ssh' /run /srv /var/lib /mnt`))).not.toMatch(
      /root:|id_|:$/m,
    );
  });

  it('writes nowhere but in its own directories', async () => {
    await run(`mkdir home; echo x > ok; echo x > ${root}/outside; echo x > /usr/outside; echo x > /outside; echo x > "$HOME/ok"`);
    expect(await readFile(join(directory, 'ok'), 'utf8')).toBe('x\n');
    expect(await readFile(join(directory, 'home', 'ok'), 'utf8')).toBe('x\n');
    expect([existsSync(join(root, 'outside')), existsSync('/usr/outside'), existsSync('/outside')]).toEqual([
      false,
      false,
      false,
    ]);
    await open(`echo x > ${root}/outside`);
    expect(existsSync(join(root, 'outside'))).toBe(true);
  });

  it('hard-links nothing from outside, and what it links to symbolically is not there', async () => {
    await writeFile(join(root, 'secret'), 'a secret\n');
    await run(`ln ${root}/secret hard; ln -s ${root}/secret soft; cat soft > copy`);
    expect(existsSync(join(directory, 'hard'))).toBe(false);
    expect(await readFile(join(directory, 'copy'), 'utf8')).toBe('');
    await open(`ln ${root}/secret hard`);
    expect(existsSync(join(directory, 'hard'))).toBe(true);
  });

  it('sees no other process, let alone its environment', async () => {
    const look = `for file in /proc/[0-9]*/environ; do tr '\\0' '\\n' < $file; done 2>/dev/null | grep -c CANARY_OF_ANOTHER`;
    const other = spawn('sleep', ['1000'], { env: { CANARY_OF_ANOTHER: 'x' } });
    try {
      expect(Number(await said(open(look)))).toBeGreaterThan(0);
      expect(await said(run(look))).toBe('0\n');
      expect(await said(run(`kill -KILL ${String(other.pid)} 2>&1; kill -0 ${String(process.pid)} 2>&1`))).toMatch(
        /No such process/,
      );
      expect(other.exitCode).toBeNull();
    } finally {
      other.kill('SIGKILL');
    }
  });

  it('has no right that it was not given, also as root, and cannot make a namespace to get some', async () => {
    expect(await said(run('grep -E "^Cap(Eff|Prm|Bnd)" /proc/self/status'))).toMatch(/^(Cap\w+:\t0+\n){3}$/);
    expect((await run('unshare --user --map-root-user true')).exit_code).not.toBe(0);
    expect((await run('mount -t tmpfs none /tmp')).exit_code).not.toBe(0);
  });
}

function keepsLimits(runner: () => Run): void {
  it('is asked to stop, and given the time to', async () => {
    const end = await runner()('trap "echo tidied; exit 0" TERM; echo ready; while :; do sleep 0.01; done', {
      timeout_ms: 400,
      kill_grace_ms: 20_000,
    });
    expect(end.status).toBe('timed-out');
    expect(end.output.toString()).toMatch(/^ready\n[^]*tidied\n$/);
  });

  it('is ended when it multiplies', async () => {
    const end = await runner()('i=0; while [ $i -lt 200 ]; do sleep 1000 & i=$((i+1)); done; wait');
    expect(end).toMatchObject({ status: 'breached', breach: { limit: 'processes', max: LIMITS.processes_max } });
  });

  it('is ended when it takes too much memory', async () => {
    const end = await runner()([process.execPath, '-e', 'const all = []; for (;;) all.push(Buffer.alloc(10_000_000, 1))']);
    expect(end).toMatchObject({ status: 'breached', breach: { limit: 'memory', max: LIMITS.memory_bytes_max } });
  });

  it('is ended when it prints without end', async () => {
    const end = await runner()('yes');
    expect(end).toMatchObject({ status: 'breached', breach: { limit: 'output', max: LIMITS.output_bytes_max } });
    expect(end.output.length).toBeLessThanOrEqual(10_000);
  });

  it.each([
    ['a program that dies of it', 'dd if=/dev/zero of=large bs=100000 count=100'],
    ['a program that is told', `trap '' XFSZ; dd if=/dev/zero of=large bs=100000 count=100`],
  ])('writes no file beyond its limit: %s', async (_, script) => {
    const end = await runner()(script);
    expect(end).toMatchObject({ status: 'breached', breach: { limit: 'file-size', max: LIMITS.file_bytes_max } });
    expect((await readFile(join(directory, 'large'))).length).toBeLessThanOrEqual(LIMITS.file_bytes_max + 512);
  });
}
