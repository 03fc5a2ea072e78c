import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { edgeStub, type EdgeStub } from './edge-stub.ts';
import { EXIT } from '../src/exit-codes.ts';
import { runCli } from '../src/program.ts';

jest.setTimeout(30_000);

const ACCEPTED = { mission_id: '9f2deba2-8b1c-4d2e-9f3a-5b6c7d8e9f01', status: 'accepted' };
const AWAY = { type: 'urn:baton:problem:store-unavailable', detail: 'nothing was recorded or refused within 8000 ms' };

describe('a mission that is handed in', () => {
  let directory: string;
  let file: string;
  let edge: EdgeStub;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'baton-submit-'));
    file = join(directory, "ada's mission.json");
    writeFileSync(file, '{"title":"Say hello"}');
    edge = await edgeStub();
  });
  afterAll(async () => {
    await edge?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  async function submit(args: readonly string[] = [], interrupted = new AbortController().signal) {
    let [stdout, stderr] = ['', ''];
    const streams = { stdout: (text: string) => void (stdout += text), stderr: (text: string) => void (stderr += text) };
    const environment = { BATON_HOME: directory, BATON_INTAKE_URL: edge.url };
    const exit = await runCli(['submit', file, '--as', 'ada', ...args], environment, streams, interrupted);
    return { exit, stdout, stderr };
  }

  it('is sent again under the same key while nobody knows what became of it', async () => {
    edge.answers([503, AWAY], ['cut'], [201, ACCEPTED]);
    const { exit, stdout, stderr } = await submit();
    const keys = edge.taken().map(({ key }) => key);
    expect(exit).toBe(EXIT.ok);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(stdout).toContain(keys[0]);
    expect(stderr).toContain('under the same key');
  });

  it('can be handed in as the same one where nobody ever said', async () => {
    edge.answers([503, AWAY]);
    const { exit, stderr } = await submit();
    const [key, ...others] = edge.taken().map((taken) => taken.key);
    expect(exit).toBe(EXIT.unreachable);
    expect(others).toEqual([key, key, key]);
    const quoted = file.replace("'", String.raw`'\''`);
    expect(stderr).toContain(`whether the mission was taken is not known: ${AWAY.detail}`);
    expect(stderr).toContain(`baton submit '${quoted}' --key ${String(key)} --as ada`);
  });

  it('tells a program its key with whatever goes wrong', async () => {
    edge.answers([409, { detail: 'with other content' }]);
    expect(JSON.parse((await submit(['--json'])).stdout)).toEqual({
      error: { exit: EXIT.refused, message: expect.any(String), fix: '', key: edge.taken()[0]?.key },
    });
    edge.answers([500, { detail: 'a bug' }]);
    const { stdout } = await submit(['--json', '--key', 'k-1']);
    expect(edge.taken()).toHaveLength(1);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { exit: EXIT.unexpected, fix: expect.stringContaining('--key k-1'), key: 'k-1' },
    });
  });

  it('is not sent again once whoever asked has stopped it, and still says how to', async () => {
    edge.answers([201, ACCEPTED]);
    const { exit, stderr } = await submit(['--key', 'k-2'], AbortSignal.abort());
    expect(exit).toBe(EXIT.unreachable);
    expect(stderr).toContain('--key k-2');
    expect(edge.taken()).toEqual([]);
  });
});
