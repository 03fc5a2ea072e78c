// A real service with an edge, on real Postgres and NATS, for the specs of what the host does.
import type { BusConnection } from '@baton/bus';
import type { ServiceName } from '@baton/contracts';
import { StoreUnreachable } from '@baton/event-store';
import { logger, type Logger } from '@baton/telemetry';
import { testServers, type TestNats } from '@baton/testing';
import { Body, Controller, Get, Inject, Module, Post } from '@nestjs/common';
import { z } from 'zod';
import {
  baseConfigSchema,
  parseBody,
  PLATFORM,
  problem,
  readConfig,
  RUNTIME,
  startService,
  type BaseConfig,
  type HostedRuntime,
  type Platform,
  type RunningService,
} from '../src/index.ts';

const missionSchema = z.strictObject({ title: z.string(), risk: z.enum(['low', 'high']) });

/** Of `GET /missions/slow`: when it came in, and when it may be answered. */
interface Slow {
  readonly arrived: PromiseWithResolvers<void>;
  readonly held: PromiseWithResolvers<void>;
}
const freshSlow = (): Slow => ({ arrived: Promise.withResolvers(), held: Promise.withResolvers() });
let slow = freshSlow();

@Controller('missions')
class MissionsController {
  constructor(@Inject(PLATFORM) private readonly platform: Platform) {}
  @Post() create(@Body() body: unknown) {
    return { ...parseBody(missionSchema, body), polluted: 'polluted' in {} };
  }
  @Get('taken') taken() {
    throw problem({
      status: 409,
      type: 'key-reused',
      title: 'The key is taken',
      detail: 'Use another.',
      headers: { 'retry-after': '5' },
    });
  }
  @Get('broken') broken() {
    throw new Error(`password of ${this.platform.name} is hush`);
  }
  @Get('away') away() {
    throw new StoreUnreachable('the append', new Error('hush: connection refused'));
  }
  @Get('endless') endless() {
    throw Object.assign(new Error('data of MissionAccepted has 300000 bytes, at most 262144 can be kept'), {
      name: 'EventTooLarge',
    });
  }
  @Get('slow') async slow() {
    slow.arrived.resolve();
    await slow.held.promise;
    return { answered: true };
  }
}

export interface LogLine {
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface HostedService {
  readonly nats: TestNats;
  /** Somebody else on the bus. */
  readonly outside: BusConnection;
  readonly logger: Logger;
  /** What was logged since the last `reset`. */
  readonly lines: LogLine[];
  slow(): Slow;
  config(): BaseConfig;
  /** As intake, which has an edge, unless told otherwise. */
  start(runtime?: Partial<HostedRuntime>, name?: ServiceName): Promise<RunningService>;
  running(): RunningService;
  call(path: string, init?: RequestInit): Promise<Called>;
  post(body: string | Uint8Array<ArrayBuffer>, type?: string): Promise<Called>;
  /** Stops the service, if one runs, and forgets what it logged. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export interface Called {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly type: string | null;
  json(): Record<string, unknown>;
}

export async function hostedService(): Promise<HostedService> {
  const lines: LogLine[] = [];
  const log = logger({
    service: 'intake',
    level: 'trace',
    destination: { write: (line) => void lines.push(JSON.parse(line) as LogLine) },
  });
  const servers = await testServers();
  const { nats } = servers;
  const outside = await servers.bus('provisioner');

  let service: RunningService | undefined;
  const running = (): RunningService => {
    if (!service) throw new Error('no service runs: start() it first');
    return service;
  };
  const config = (name: ServiceName = 'intake') =>
    readConfig(baseConfigSchema, {
      ...servers.environment(name),
      BATON_SWEEP_INTERVAL_MS: '10',
      BATON_DRAIN_GRACE_MS: '10000',
    });
  const call = async (path: string, init: RequestInit = {}): Promise<Called> => {
    const response = await fetch(running().url + path, init);
    const { status, headers } = response;
    const text = await response.text();
    return { status, headers, text, type: headers.get('content-type'), json: () => JSON.parse(text) as Record<string, unknown> };
  };
  return {
    nats,
    outside,
    logger: log,
    lines,
    slow: () => slow,
    config,
    running,
    call,
    start: async (runtime = {}, name = 'intake') =>
      (service = await startService({ name, config: config(name), module: moduleOf(runtime), logger: log })),
    post: (body, type = 'application/json') => call('/missions', { method: 'POST', body, headers: { 'content-type': type } }),
    reset: async () => {
      slow.held.resolve();
      await service?.stop();
      service = undefined;
      slow = freshSlow();
      lines.length = 0;
    },
    close: servers.close,
  };
}

function moduleOf(runtime: Partial<HostedRuntime>) {
  const whole: HostedRuntime = {
    receive: async () => ({ ack: true }),
    sweep: async () => 0,
    freeSlots: () => 1,
    onSlotFree: () => () => {},
    stop: async () => {},
    ...runtime,
  };
  class IntakeModule {}
  Module({ controllers: [MissionsController], providers: [{ provide: RUNTIME, useValue: whole }] })(IntakeModule);
  return IntakeModule;
}
