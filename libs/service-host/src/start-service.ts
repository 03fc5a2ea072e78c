/**
 * A service from start to stop: listen, connect, compose, consume; and the same backwards. Whatever fails in between, what was
 * opened before is closed again, in order.
 */
import { connectBus, jetStreamStrategy, watchWatermarks, type BusConnection } from '@baton/bus';
import { SERVICES, consumersOf, isBusUser, type ConsumerName, type ServiceName } from '@baton/contracts';
import { openEventStore, type EventStore } from '@baton/event-store';
import { collectDefaultMetrics, createMetrics, logger, Registry, startTelemetry, type Logger } from '@baton/telemetry';
import { ModulesContainer } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { BaseConfig } from './config.ts';
import { health, type Health } from './health.ts';
import { startListener, type Answer, type HttpListener } from './http-listener.ts';
import { instrumentsOf } from './instruments.ts';
import { createNestApp, type ServiceModule } from './nest-app.ts';
import { letPredecessorsGo } from './predecessors.ts';
import { busOf, RUNTIME, type HostedRuntime, type Platform } from './platform.ts';
import { startSweeping } from './sweeping.ts';
import { waitFor, whereOf } from './wait-for.ts';

export interface ServiceOptions<Config extends BaseConfig = BaseConfig> {
  readonly name: ServiceName;
  readonly version?: string;
  readonly config: Config;
  /** The composition root; it provides RUNTIME where there are consumers. */
  readonly module: ServiceModule;
  /** All of the service's, unless told otherwise. */
  readonly consumers?: readonly ConsumerName[];
  /** Ends the waiting for Postgres and NATS at the start. */
  readonly signal?: AbortSignal;
  readonly logger?: Logger;
}

export interface RunningService {
  /** Where probes, metrics and the edge answer. */
  readonly url: string;
  readonly platform: Platform;
  readonly app: NestFastifyApplication;
  /** Not ready → stops pulling → work ends → disconnects. Twice is fine; never rejects. */
  stop(): Promise<void>;
}

/** Requests that take longer are cut off when the service stops. */
const HTTP_DRAIN_MS_MAX = 5_000;
const VERSION = '0.1.0';

/** Things that were opened, and how to close them: last opened, first closed. */
function closing(log: Logger) {
  const steps: { readonly what: string; readonly close: () => Promise<unknown> }[] = [];
  let closed: Promise<void> | null = null;
  const closeAll = async (): Promise<void> => {
    for (const { what, close } of steps.toReversed()) {
      try {
        await close();
        log.debug({ what }, 'stopped');
      } catch (err) {
        log.error({ what, err }, 'stop-failed');
      }
    }
  };
  return {
    add: (what: string, close: () => Promise<unknown>) => void steps.push({ what, close }),
    closeAll: () => (closed ??= closeAll()),
  };
}

export async function startService<Config extends BaseConfig>(options: ServiceOptions<Config>): Promise<RunningService> {
  const { name, config, version = VERSION, signal = new AbortController().signal } = options;
  const instance = config.BATON_INSTANCE;
  const log = options.logger ?? logger({ service: name, level: config.BATON_LOG_LEVEL, instance });
  const probes = health(name, instance);
  const opened = closing(log);
  const stop = async (): Promise<void> => {
    probes.stopping();
    await opened.closeAll();
  };
  try {
    const { platform, listener } = await openPlatform({ name, config, version, signal, log, probes, onOpened: opened.add });
    const app = await createNestApp(options.module, platform, listener);
    opened.add('nest', () => app.close());
    await startHandling({ app, platform, listener, consumers: options.consumers ?? consumersOf(name), onOpened: opened.add });
    probes.started();
    log.info({ url: listener.url, version, node: process.version }, 'service-started');
    return { url: listener.url, platform, app, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Opened = (what: string, close: () => Promise<unknown>) => void;

interface Opening<Config extends BaseConfig> extends Pick<ServiceOptions<Config>, 'name' | 'config'> {
  readonly version: string;
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly probes: Health;
  readonly onOpened: Opened;
}

async function openPlatform<Config extends BaseConfig>(
  opening: Opening<Config>,
): Promise<{ platform: Platform<Config>; listener: HttpListener }> {
  const { name, config, version, log, probes, onOpened } = opening;
  const instance = config.BATON_INSTANCE;
  const telemetry = await startTelemetry({
    service: name,
    version,
    instance,
    traces_exporter: config.OTEL_TRACES_EXPORTER,
    otlp_endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT,
    sample_ratio: config.OTEL_TRACES_SAMPLER_ARG,
  });
  onOpened('telemetry', () => telemetry.shutdown());

  const registry = new Registry();
  const metrics = createMetrics(registry);
  // A counter that is not there before it first counts hides that nothing happens.
  for (const category of SERVICES[name].appends) metrics.appended_events.inc({ category }, 0);
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 1000 });
  const { scrape, onScrape } = scraping(registry, log);
  onScrape(async () => {
    const { ready, away } = await probes.readiness();
    // An edge goes on without the bus, and somebody has to look all the same.
    metrics.ready.set(ready && Object.keys(away).length === 0 ? 1 : 0);
  });
  const listener = await startListener({
    host: config.BATON_HTTP_HOST,
    port: config.BATON_HTTP_PORT,
    operations: { ...probes.operations, '/metrics': scrape },
  });
  onOpened('http', () => listener.close());
  log.info({ url: listener.url }, 'listening');

  const store = await connectPostgres(opening, (appends) => metrics.append_group_size.observe(appends));
  const bus = await connectNats(opening);
  const instruments = instrumentsOf({ logger: log, metrics, tracing: telemetry.tracing });
  const platform: Platform<Config> = {
    name,
    version,
    instance,
    config,
    store,
    bus,
    metrics,
    registry,
    instruments,
    onScrape,
    logger: log,
    tracing: telemetry.tracing,
    onReadiness: (what, check) => probes.require(what, check),
    note: (what, text) => probes.note(what, text),
  };
  return { platform, listener };
}

function scraping(registry: Registry, log: Logger): { scrape: () => Promise<Answer>; onScrape: Platform['onScrape'] } {
  const reads: (() => Promise<void> | void)[] = [];
  const readOne = async (read: () => Promise<void> | void): Promise<void> => {
    try {
      await read();
    } catch (err) {
      log.warn({ err }, 'scrape-incomplete');
    }
  };
  return {
    onScrape: (read) => void reads.push(read),
    scrape: async () => {
      await Promise.all(reads.map(readOne));
      return { status: 200, content_type: registry.contentType, body: await registry.metrics() };
    },
  };
}

async function connectPostgres<Config extends BaseConfig>(
  { name, config, signal, log, probes, onOpened }: Opening<Config>,
  onGroup: (appends: number) => void,
): Promise<EventStore> {
  const store = openEventStore({ url: config.BATON_PG_URL, application_name: `baton-${name} ${config.BATON_INSTANCE}`, onGroup });
  onOpened('postgres', () => store.close());
  await waitFor({
    what: 'Postgres',
    where: whereOf(config.BATON_PG_URL),
    check: 'is Postgres running there; are role, password and database of BATON_PG_URL right; has its schema been migrated?',
    attempt: async () => {
      await store.ping();
      await store.log.head();
    },
    logger: log,
    signal,
  });
  probes.require('postgres', () => store.ping());
  return store;
}

async function connectNats<Config extends BaseConfig>({
  name,
  config,
  signal,
  log,
  probes,
  onOpened,
}: Opening<Config>): Promise<BusConnection | null> {
  const { BATON_NATS_URL: url, BATON_NATS_NKEY_SEED: nkey_seed } = config;
  if (!isBusUser(name) || url === undefined) return null;
  const where = whereOf(url);
  const bus = await waitFor({
    what: 'NATS',
    where,
    check:
      'is nats-server running there, with JetStream; is BATON_NATS_URL right; does the server know the nkey of BATON_NATS_NKEY_SEED?',
    attempt: () => connectBus({ servers: url.split(','), user: name, nkey_seed, logger: log }),
    logger: log,
    signal,
  });
  onOpened('nats', () => bus.close());
  const check = (): void => {
    if (!bus.connected()) throw new Error(`no connection to ${where}`);
  };
  // What comes over HTTP is recorded without the bus; an orchestrator that took the edge away would refuse what could be accepted.
  if (hasEdge(name)) probes.expect('nats', check);
  else probes.require('nats', check);
  return bus;
}

const hasEdge = (name: ServiceName): boolean => (SERVICES[name].serves as readonly string[]).includes('clients');

interface Handling {
  readonly app: NestFastifyApplication;
  readonly platform: Platform;
  readonly listener: HttpListener;
  readonly consumers: readonly ConsumerName[];
  readonly onOpened: Opened;
}

async function startHandling({ app, platform, listener, consumers, onOpened }: Handling): Promise<void> {
  const { config, logger: log, metrics } = platform;
  const grace_ms = config.BATON_DRAIN_GRACE_MS;
  const drainEdge = (): Promise<unknown> => within(listener.drain(), Math.min(grace_ms, HTTP_DRAIN_MS_MAX));
  const runtime = runtimeOf(app);
  if (!runtime) {
    if (consumers.length > 0)
      throw new Error(`${platform.name} has consumers (${consumers.join(', ')}), but its module provides no RUNTIME`);
    onOpened('edge', drainEdge);
    return;
  }
  if (SERVICES[platform.name].appends.length > 0) {
    platform.onScrape(() => metrics.slots_full.set(runtime.freeSlots() === 0 ? 1 : 0));
    await letPredecessorsGo(platform.store, log);
  }
  const bus = busOf(platform);
  // A delivery goes straight to the runtime: none of Nest's pipes, guards or observables is on its way.
  const strategy = jetStreamStrategy({
    bus,
    consumers,
    deliver: (delivery) => runtime.receive(delivery),
    free_slots: () => runtime.freeSlots(),
    on_slot_free: (listen) => runtime.onSlotFree(listen),
    logger: log,
  });
  app.connectMicroservice({ strategy });
  await app.startAllMicroservices();
  const sweeping = startSweeping({
    sweep: () => runtime.sweep(),
    interval_ms: config.BATON_SWEEP_INTERVAL_MS,
    onFailure: (err) => {
      metrics.sweep_failures.inc();
      log.warn({ err }, 'sweep-failed');
    },
  });
  const watermarks = watchWatermarks({
    connection: bus.connection,
    consumers,
    watermarks: platform.store.watermarks,
    log: platform.store.log,
    logger: log,
  });
  onOpened('handling', async () => {
    // Told to stop at the same time: handlers that wait for a store give up, the others finish and settle what they hold.
    await Promise.all([strategy.close(), sweeping.stop(), drainEdge().then(() => runtime.stop(grace_ms))]);
    await watermarks.close();
  });
}

/** Asking Nest for what is not there would be logged as an error; a service with an edge only has none. */
function runtimeOf(app: NestFastifyApplication): HostedRuntime | undefined {
  const provided = [...app.get(ModulesContainer).values()].some((module) => module.providers.has(RUNTIME));
  return provided ? app.get<HostedRuntime>(RUNTIME, { strict: false }) : undefined;
}

async function within(work: Promise<unknown>, limit_ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, limit_ms);
  await Promise.race([work, promise]);
  clearTimeout(timer);
}
