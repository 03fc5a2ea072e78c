/** What the host hands to every service, under one token; and the one thing it wants back, under another. */
import type { BusConnection } from '@baton/bus';
import type { ServiceName } from '@baton/contracts';
import type { EventStore } from '@baton/event-store';
import type { Instruments, ServiceRuntime } from '@baton/handling';
import type { Logger, Metrics, Registry, Tracing } from '@baton/telemetry';
import type { BaseConfig } from './config.ts';

export interface Platform<Config extends BaseConfig = BaseConfig> {
  readonly name: ServiceName;
  readonly version: string;
  /** This process; another one after each start. Holds its leases. */
  readonly instance: string;
  readonly config: Config;
  readonly logger: Logger;
  readonly store: EventStore;
  /** Null: it has no rights on the bus (`SERVICES` of the contracts), and no connection. */
  readonly bus: BusConnection | null;
  readonly tracing: Tracing;
  readonly metrics: Metrics;
  readonly registry: Registry;
  /** For the runtime. */
  readonly instruments: Instruments;
  /** Called before each scrape, to set gauges that are read from somewhere. Failures are logged; the scrape goes on. */
  onScrape(read: () => Promise<void> | void): void;
  /** Makes `/readyz` fail while `check` throws; its message is shown. */
  onReadiness(name: string, check: () => Promise<void> | void): void;
  /** Shown by `/readyz`, ready or not: how this process works where that differs from place to place. */
  note(name: string, text: string): void;
}

export function busOf({ name, bus }: Pick<Platform, 'name' | 'bus'>): BusConnection {
  if (bus === null)
    throw new Error(
      `${name} is not connected to the bus: it has no rights there (SERVICES in libs/contracts/src/services.ts), or no BATON_NATS_URL`,
    );
  return bus;
}

/** Inject it with `inject: [PLATFORM]`. */
export const PLATFORM = Symbol('Platform');
/** What the host needs of a runtime; `runtimeOn` makes one. */
export type HostedRuntime = Pick<ServiceRuntime, 'receive' | 'sweep' | 'freeSlots' | 'onSlotFree' | 'stop'>;
/** Provide it in the module of the service. A service without consumers may leave it out. */
export const RUNTIME = Symbol('Runtime');
