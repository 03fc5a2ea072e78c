/** A service as a process: signals, exit codes, and nothing that fails without a line in the log. */
import process from 'node:process';
import { armFailpoint, type Failpoint } from '@baton/ports';
import { logger } from '@baton/telemetry';
import { ConfigError, type BaseConfig } from './config.ts';
import { startService, type RunningService, type ServiceOptions } from './start-service.ts';

export interface ProcessOptions<Config extends BaseConfig> extends Omit<ServiceOptions<Config>, 'config' | 'signal' | 'logger'> {
  /** Reads the settings; what it throws ends the process with a readable message. */
  readonly config: () => Config;
}

/** On top of the grace that running work has, for disconnecting and flushing. */
const STOP_EXTRA_MS = 8_000;
const ACK_SENT_MS = 20;

/** Starts the service and keeps it until SIGTERM or SIGINT; the second signal ends it at once. */
export async function runService<Config extends BaseConfig>({
  config: read,
  ...options
}: ProcessOptions<Config>): Promise<RunningService> {
  const config = configOrExit(read);
  const log = logger({ service: options.name, level: config.BATON_LOG_LEVEL, instance: config.BATON_INSTANCE });
  if (config.BATON_FAILPOINT !== undefined) {
    log.warn({ failpoint: config.BATON_FAILPOINT }, 'failpoint-armed');
    armFailpoint(config.BATON_FAILPOINT, crash);
  }
  const starting = new AbortController();
  let running: RunningService | undefined;
  let signals = 0;

  const fatal =
    (event: string) =>
    (err: unknown): never => {
      log.fatal({ err }, event);
      process.exit(1);
    };
  process.on('uncaughtException', fatal('uncaught-exception'));
  process.on('unhandledRejection', fatal('unhandled-rejection'));
  const onSignal = (signal: NodeJS.Signals): void => {
    if (++signals > 1) return fatal('stopped-at-once')(new Error(`second ${signal}`));
    log.info({ signal, grace_ms: config.BATON_DRAIN_GRACE_MS }, 'service-stopping');
    setTimeout(
      () => fatal('stop-took-too-long')(new Error('see which step is missing among the "stopped" lines (level debug)')),
      config.BATON_DRAIN_GRACE_MS + STOP_EXTRA_MS,
    ).unref();
    starting.abort(signal);
    if (running) void running.stop().then(() => end());
  };
  const end = (): never => {
    log.info({}, 'service-stopped');
    process.exit(0);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  try {
    running = await startService({ ...options, config, logger: log, signal: starting.signal });
  } catch (error) {
    if (signals > 0) return end();
    return fatal('start-failed')(error);
  }
  if (signals > 0) void running.stop().then(() => end());
  return running;
}

/** As if the process were shot. An acknowledgement has to have left it first: it lies in the connection's buffer until the next turn. */
function crash(at: Failpoint): void {
  if (at === 'after-ack') setTimeout(() => process.kill(process.pid, 'SIGKILL'), ACK_SENT_MS);
  else process.kill(process.pid, 'SIGKILL');
}

function configOrExit<Config extends BaseConfig>(read: () => Config): Config {
  try {
    return read();
  } catch (error) {
    // Before there is a logger: plain lines for whoever starts it by hand.
    process.stderr.write(`${error instanceof ConfigError ? error.message : String((error as Error).stack ?? error)}\n`);
    return process.exit(1);
  }
}
