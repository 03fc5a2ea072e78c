import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { testServers, type ServiceEnvironment, type TestServers } from '@baton/testing';

const FIXTURE = join(import.meta.dirname, '../test/service.fixture.ts');
const WITHIN_MS = 30_000;
interface Line {
  readonly msg: string;
  readonly level: string;
  readonly url?: string;
}

describe('a service as a process', () => {
  let servers: TestServers;
  let environment: ServiceEnvironment;
  let child: ChildProcess | undefined;

  beforeAll(async () => {
    servers = await testServers({ topology: false });
    environment = { ...servers.environment('planner'), BATON_LOG_LEVEL: 'info' };
  }, 120_000);
  afterAll(() => servers?.close());
  afterEach(() => {
    child?.kill('SIGKILL');
  });

  /** Starts it; `line(msg)` resolves with the first line of that name, `ended` with exit code and everything it printed. */
  function start(env: Readonly<Record<string, string>>, ...args: string[]) {
    const node = spawn(
      process.execPath,
      ['--conditions=@baton/source', '--experimental-transform-types', '--disable-warning=ExperimentalWarning', FIXTURE, ...args],
      {
        env: { PATH: process.env['PATH'] ?? '', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    child = node;
    const lines: Line[] = [];
    let errors = '';
    const waiting = new Map<string, (line: Line) => void>();
    node.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    createInterface(node.stdout).on('line', (text) => {
      const line = JSON.parse(text) as Line;
      lines.push(line);
      waiting.get(line.msg)?.(line);
    });
    return {
      node,
      line: (msg: string): Promise<Line> => {
        const seen = lines.find((line) => line.msg === msg);
        return seen ? Promise.resolve(seen) : new Promise((resolve) => void waiting.set(msg, resolve));
      },
      ended: once(node, 'close').then(([code]) => ({
        code: code as number | null,
        names: lines.map(({ msg }) => msg),
        lines,
        errors,
      })),
    };
  }

  it(
    'stops on SIGTERM, in order, with code 0, and prints nothing but JSON lines',
    async () => {
      const service = start({ ...environment, BATON_LOG_LEVEL: 'debug' });
      await service.line('service-started');
      service.node.kill('SIGTERM');
      const { code, lines, errors } = await service.ended;
      expect(errors).toBe('');
      expect(code).toBe(0);
      expect(lines.filter(({ msg }) => msg === 'stopped').map((line) => (line as { what?: string }).what)).toEqual([
        'handling',
        'nest',
        'nats',
        'postgres',
        'http',
        'telemetry',
      ]);
      expect(lines.at(-1)!.msg).toBe('service-stopped');
    },
    WITHIN_MS,
  );

  it(
    'ends at once on the second signal',
    async () => {
      const service = start({ ...environment, BATON_DRAIN_GRACE_MS: '600000' }, 'never');
      await service.line('service-started');
      service.node.kill('SIGINT');
      await service.line('service-stopping');
      service.node.kill('SIGINT');
      const { code, names } = await service.ended;
      expect(names.at(-1)).toBe('stopped-at-once');
      expect(code).toBe(1);
    },
    WITHIN_MS,
  );

  it(
    'is alive, not started and not ready while Postgres is away; SIGTERM ends the waiting',
    async () => {
      const service = start({ ...environment, BATON_PG_URL: 'postgres://baton_planner:hush@127.0.0.1:1/baton' });
      const { url } = await service.line('listening');
      const waiting = await service.line('waiting');
      expect(waiting).toMatchObject({
        what: 'Postgres',
        where: 'postgres://127.0.0.1:1/baton',
        cause: expect.stringContaining('ECONNREFUSED'),
        check: expect.stringContaining('is Postgres running'),
      });
      const statuses = await Promise.all(
        ['/livez', '/startupz', '/readyz', '/missions'].map(async (path) => (await fetch(url + path)).status),
      );
      expect(statuses).toEqual([200, 503, 503, 503]);
      service.node.kill('SIGTERM');
      const { code, lines } = await service.ended;
      expect(code).toBe(0);
      expect(JSON.stringify(lines)).not.toContain('hush');
    },
    WITHIN_MS,
  );

  it(
    'names the faulty settings and exits with 1',
    async () => {
      const { code, errors } = await start({ BATON_PG_URL: environment.BATON_PG_URL, BATON_HTTP_PORT: 'http' }).ended;
      expect(code).toBe(1);
      expect(errors).toMatch(
        /^2 settings are not usable:\n {2}BATON_NATS_URL is not set: .*\n {2}BATON_HTTP_PORT does not fit .*\n$/,
      );
    },
    WITHIN_MS,
  );

  it(
    'does not go on after a rejection that nobody handles',
    async () => {
      const { code, lines } = await start(environment, 'reject').ended;
      expect(code).toBe(1);
      expect(lines.at(-1)).toMatchObject({
        level: 'fatal',
        msg: 'unhandled-rejection',
        err: { message: 'nobody waits for this' },
      });
    },
    WITHIN_MS,
  );
});
