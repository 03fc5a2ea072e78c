import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EXIT } from './exit-codes.ts';
import { runCli } from './program.ts';

describe('baton on the command line', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'baton-cli-'));
  });
  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  const run = async (args: readonly string[], environment: Record<string, string> = {}) => {
    let stdout = '';
    let stderr = '';
    const streams = { stdout: (text: string) => void (stdout += text), stderr: (text: string) => void (stderr += text) };
    const exit = await runCli(
      args,
      { BATON_HOME: join(directory, 'home'), ...environment },
      streams,
      new AbortController().signal,
    );
    return { exit, stdout, stderr };
  };

  it.each([
    [['frobnicate']],
    [['submit']],
    [['list', '--limit', 'many']],
    [['replay', 'abc', '--at', '0']],
    [['deadletters', 'show']],
    [['approve']],
    [['approve', '9.1']],
    [['approve', 'abc.1']],
    [['approve', '9f2deba2']],
    [['deny', '9f2deba2-8b1c-4d2e-9f3a-5b6c7d8e9f01']],
    [['diff']],
    [['why', '']],
    [['cancel', '']],
    [['cancel', 'abc']],
    [['deadletters', 'show', ' ']],
    [['deadletters', 'discard', '']],
    [['deadletters', 'replay', 'abc']],
    [['rebuild', 'bus', '--from', '0']],
  ])('answers %j with the exit code for a wrong command line', async (args) => {
    expect((await run(args)).exit).toBe(EXIT.invalid);
  });

  it('shows its help and ends well', async () => {
    const { exit, stdout } = await run(['--help']);
    expect(exit).toBe(EXIT.ok);
    expect(stdout).toContain('Exit codes:');
  });

  it.each([
    ['status'],
    ['list'],
    ['approvals'],
    ['verify'],
    ['deadletters'],
    ['watch', 'abc'],
    ['why', 'abc'],
    ['timeline', 'abc'],
    ['replay', 'abc'],
    ['cancel', 'abcd'],
    ['approve', 'abcd.1'],
    ['diff', 'abc.1'],
  ])('says how to start the stack where %s finds none', async (...args) => {
    const { exit, stderr } = await run(args);
    expect(exit).toBe(EXIT.unreachable);
    expect(stderr).toContain('baton up');
  });

  it.each([['list'], ['status'], ['cancel', 'abcd', '--as', 'ada']])(
    'means the home that was named, whatever stack elsewhere is exported, with %s',
    async (...args) => {
      const nobody = 'http://127.0.0.1:9';
      const { exit, stderr } = await run([...args, '--home', join(directory, 'home')], {
        BATON_AUDITOR_PG_URL: 'postgres://baton_auditor@127.0.0.1:9/baton',
        BATON_INTAKE_URL: nobody,
        BATON_APPROVAL_URL: nobody,
        BATON_NATS_URL: 'nats://127.0.0.1:9',
      });
      expect(exit).toBe(EXIT.unreachable);
      expect(stderr).toContain('baton up');
    },
  );

  it('answers an error as JSON when asked for JSON, with nothing beside it', async () => {
    const { exit, stdout, stderr } = await run(['list', '--json']);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ error: { exit, fix: expect.stringContaining('baton up') } });
  });

  it.each([
    [['frobnicate'], "unknown command 'frobnicate'"],
    [['cancel'], "missing required argument 'id'"],
    [['cancel', ''], 'at least 4 characters'],
    [['list', '--limit', 'many'], 'use a whole number'],
    [[], 'no command is given'],
  ])('answers the wrong command line %j as JSON too, when asked for JSON', async (args, says) => {
    const { exit, stdout, stderr } = await run([...args, '--json']);
    expect({ exit, stderr }).toEqual({ exit: EXIT.invalid, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ error: { exit, message: expect.stringContaining(says), fix: 'see baton --help' } });
  });

  const nobody = { postgres: 'postgres://ada:secret@127.0.0.1:1/baton', nats: 'nats://127.0.0.1:1' };
  it.each([
    [['provision'], { BATON_PG_ADMIN_URL: nobody.postgres, BATON_NATS_URL: nobody.nats }],
    [['provision', '--roles'], { BATON_PG_ADMIN_URL: nobody.postgres }],
  ])('says of %j that nobody is there, without a stack trace', async (args, environment) => {
    const { exit, stderr } = await run(args, environment);
    expect(exit).toBe(EXIT.unreachable);
    expect(stderr).toContain('fix');
    expect(stderr).not.toContain(' at ');
    expect(stderr).not.toContain('secret');
  });

  it('names every variable of the environment that does not fit', async () => {
    const { exit, stderr } = await run(['list'], { BATON_PG_URL: 'mysql://x', BATON_NATS_REPLICAS: 'three' });
    expect(exit).toBe(EXIT.invalid);
    expect(stderr).toContain('BATON_PG_URL');
    expect(stderr).toContain('BATON_NATS_REPLICAS');
  });

  it('says what provision needs', async () => {
    const { exit, stderr } = await run(['provision']);
    expect(exit).toBe(EXIT.invalid);
    expect(stderr).toMatch(/BATON_PG_ADMIN_URL.*BATON_NATS_URL/s);
  });

  it('says that a home cannot be a file', async () => {
    writeFileSync(join(directory, 'file'), '');
    const { exit, stderr } = await run(['up', '--home', join(directory, 'file')]);
    expect(exit).toBe(EXIT.invalid);
    expect(stderr).toContain('it is a file');
  });

  it('says that there is no such mission file', async () => {
    const { exit, stderr } = await run(['submit', join(directory, 'nowhere.yaml')]);
    expect(exit).toBe(EXIT.invalid);
    expect(stderr).toContain('there is no such file');
  });
});
