/**
 * Traces by OpenTelemetry, and nothing else of it: metrics are scraped (prom-client), logs are standard output. The SDK is
 * loaded only where something is recorded: it costs a third of a second and 40 MiB.
 */
import { recordedTracing, unrecordedTracing, type Tracing } from './tracing.ts';

export interface TelemetryOptions {
  readonly service: string;
  readonly version: string;
  /** This process, for telling replicas apart. */
  readonly instance?: string;
  readonly traces_exporter: 'none' | 'console' | 'otlp';
  /** Base URL of an OTLP/HTTP receiver; `/v1/traces` is added. */
  readonly otlp_endpoint?: string | undefined;
  /** Share of the traces that are recorded, 0 to 1. */
  readonly sample_ratio?: number;
}

export interface Telemetry {
  readonly tracing: Tracing;
  /** Sends what is still here, or gives up at the deadline. Twice is fine. */
  shutdown(): Promise<void>;
}

const DEFAULT_OTLP_ENDPOINT = 'http://127.0.0.1:4318';
const EXPORT_TIMEOUT_MS = 3_000;

export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  if (options.traces_exporter === 'none') return { tracing: unrecordedTracing, shutdown: () => Promise.resolve() };
  const [{ trace }, { resourceFromAttributes }, sdk, { NodeSDK }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/sdk-node'),
  ]);
  const node = new NodeSDK({
    autoDetectResources: false,
    instrumentations: [],
    metricReaders: [],
    logRecordProcessors: [],
    resource: resourceFromAttributes({
      'service.namespace': 'baton',
      'service.name': `baton-${options.service}`,
      'service.version': options.version,
      ...(options.instance ? { 'service.instance.id': options.instance } : {}),
    }),
    // By the trace id, not by the parent's flag: every service comes to the same answer, and one that records nothing hides none.
    sampler: new sdk.TraceIdRatioBasedSampler(options.sample_ratio ?? 1),
    spanProcessors: [
      options.traces_exporter === 'console'
        ? new sdk.SimpleSpanProcessor({ exporter: new sdk.ConsoleSpanExporter() })
        : new sdk.BatchSpanProcessor({
            exporter: await otlpExporter(options.otlp_endpoint ?? DEFAULT_OTLP_ENDPOINT),
            exportTimeoutMillis: EXPORT_TIMEOUT_MS,
          }),
    ],
  });
  node.start();
  let stopped: Promise<void> | undefined;
  return { tracing: recordedTracing(trace.getTracer('baton', options.version)), shutdown: () => (stopped ??= stop(node)) };
}

async function otlpExporter(endpoint: string) {
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto');
  return new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces`, timeoutMillis: EXPORT_TIMEOUT_MS });
}

/** A collector that is down must not hold up the end of a process: traces are worth less than a prompt restart. */
async function stop(provider: { shutdown(): Promise<void> }): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, EXPORT_TIMEOUT_MS);
  await Promise.race([provider.shutdown().catch(() => undefined), promise]);
  clearTimeout(timer);
}
