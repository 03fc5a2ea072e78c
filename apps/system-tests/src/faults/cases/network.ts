/** T16, T17: lines between one service and one server that are cut, swallow everything, or are slow; and a real network that is unplugged. */
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { roleOf, type ServiceName } from '@baton/contracts';
import { databaseUrl, tcpProxy, type TcpProxy } from '@baton/tools';
import type { Fault, FaultRun } from '../fault.ts';
import type { Ground } from '../ground.ts';

const run = promisify(execFile);
const EVERY_MS = 150;
/** Longer than ten attempts to connect, longer than a lease and an ack wait. */
const BROKEN_MS = 15_000;
const SLOW_MS = 40;
const CUT_AFTER_BYTES = 20_000;
/** What hangs on a line that swallows everything is found dead by its timeouts: twelve seconds at most, and then it is asked for again. */
const HEALED_WITHIN_MS = 90_000;

type Server = 'nats' | 'postgres';

/** The service speaks to the server through a line that can be broken, until the end of the test. */
async function throughLine(
  ground: Ground,
  service: ServiceName,
  server: Server,
  listen_host?: string,
): Promise<{ line: TcpProxy; env: Record<string, string> }> {
  const { postgres_url, nats_url } = await ground.baton.stack();
  const url = server === 'nats' ? nats_url : postgres_url;
  const line = await tcpProxy({ port: Number(new URL(url).port), ...(listen_host === undefined ? {} : { listen_host }) });
  ground.cleanup.add(() => line.stop());
  const password = (await ground.secrets()).postgres[roleOf(service)] ?? '';
  const env: Record<string, string> =
    server === 'nats'
      ? { BATON_NATS_URL: line.through(nats_url).replace(/\/$/, '') }
      : { BATON_PG_URL: databaseUrl(line.through(postgres_url), { user: roleOf(service), password }) };
  return { line, env };
}

async function started(
  ground: Ground,
  service: ServiceName,
  settings: { readonly env: Record<string, string>; readonly under?: readonly string[] },
): Promise<void> {
  await ground.settings({ services: { [service]: settings } });
  ground.cleanup.add(async () => {
    await ground.settings({});
    await ground.restart(service);
    await ground.ready();
  });
  await ground.restart(service);
}

interface Line {
  readonly id: string;
  readonly service: ServiceName;
  readonly server: Server;
  readonly what: string;
  readonly breaks: (line: TcpProxy) => void;
  readonly mends: (line: TcpProxy) => void;
}

const cut = { what: 'cut', breaks: (line: TcpProxy) => line.cut(), mends: (line: TcpProxy) => line.mend() };
const swallows = {
  what: 'swallows everything',
  breaks: (line: TcpProxy) => line.pause(),
  mends: (line: TcpProxy) => line.resume(),
};
const slow = {
  what: `${SLOW_MS} ms slower`,
  breaks: (line: TcpProxy) => line.slowDown(SLOW_MS),
  mends: (line: TcpProxy) => line.slowDown(0),
};
const torn = {
  what: `torn after every ${CUT_AFTER_BYTES} bytes`,
  breaks: (line: TcpProxy) => line.cutAfter(CUT_AFTER_BYTES),
  mends: (line: TcpProxy) => line.cutAfter(null),
};

const LINES: readonly Line[] = [
  { id: 'T16.planner', service: 'planner', server: 'nats', ...cut },
  { id: 'T16.intake', service: 'intake', server: 'nats', ...cut },
  { id: 'T17.planner', service: 'planner', server: 'postgres', ...swallows },
  { id: 'T17.executor', service: 'executor', server: 'postgres', ...swallows },
  { id: 'T17.relay', service: 'relay', server: 'nats', ...swallows },
  { id: 'T17.reviewer', service: 'reviewer', server: 'nats', ...swallows },
  { id: 'T17.slow', service: 'release', server: 'postgres', ...slow },
  { id: 'T17.torn', service: 'approval', server: 'nats', ...torn },
];

const brokenLine = ({ id, service, server, what, breaks, mends }: Line): Fault => ({
  id,
  broke: `the line between ${service} and ${server}: ${what}, ${BROKEN_MS / 1_000} s`,
  ground: 'shared',
  run: async (on: FaultRun) => {
    const { ground } = on;
    const { line, env } = await throughLine(ground, service, server);
    await started(ground, service, { env });
    const { restarts } = await ground.baton.part(service);
    const load = ground.missions.keepComing(EVERY_MS);
    await delay(EVERY_MS * 5);
    breaks(line);
    await delay(BROKEN_MS);
    mends(line);
    const since_ms = performance.now();
    await load.stop();
    await on.recovered(since_ms, { within_ms: HEALED_WITHIN_MS });
    if ((await ground.baton.part(service)).restarts !== restarts)
      throw new Error(`${service} did not get over it without a restart`);
  },
});

const NAMESPACE = 'baton-fault';
const HOST_ADDRESS = '10.213.77.1';
const OWN_ADDRESS = '10.213.77.2';

const unplugged: Fault = {
  id: 'T16.netns',
  broke: `the reviewer lives on another network, which is unplugged for ${BROKEN_MS / 1_000} s`,
  needs: ['linux', 'netns'],
  ground: 'shared',
  run: async (on) => {
    const { ground } = on;
    const ip = (...args: readonly string[]): Promise<unknown> => run('ip', [...args]);
    await ip('netns', 'add', NAMESPACE);
    ground.cleanup.add(() => ip('netns', 'delete', NAMESPACE));
    await ip('link', 'add', 'baton-fault0', 'type', 'veth', 'peer', 'name', 'baton-fault1', 'netns', NAMESPACE);
    ground.cleanup.add(() => ip('link', 'delete', 'baton-fault0').catch(() => undefined));
    await ip('address', 'add', `${HOST_ADDRESS}/30`, 'dev', 'baton-fault0');
    await ip('link', 'set', 'baton-fault0', 'up');
    for (const within of [
      ['address', 'add', `${OWN_ADDRESS}/30`, 'dev', 'baton-fault1'],
      ['link', 'set', 'baton-fault1', 'up'],
      ['link', 'set', 'lo', 'up'],
    ])
      await ip('-n', NAMESPACE, ...within);
    const to_nats = await throughLine(ground, 'reviewer', 'nats', HOST_ADDRESS);
    const to_postgres = await throughLine(ground, 'reviewer', 'postgres', HOST_ADDRESS);
    const env = { ...to_nats.env, ...to_postgres.env };
    await started(ground, 'reviewer', { env, under: ['ip', 'netns', 'exec', NAMESPACE] });
    await ground.missions.ended([await ground.missions.submit()]);
    const load = ground.missions.keepComing(EVERY_MS);
    await ip('link', 'set', 'baton-fault0', 'down');
    await delay(BROKEN_MS);
    await ip('link', 'set', 'baton-fault0', 'up');
    const since_ms = performance.now();
    await load.stop();
    await on.recovered(since_ms, { within_ms: HEALED_WITHIN_MS });
  },
};

export const networkFaults: readonly Fault[] = [...LINES.map(brokenLine), unplugged];
