export { LOG_LEVELS, logger, type Logger, type LoggerOptions, type LogLevel } from './logger.ts';
export { startTelemetry, type Telemetry, type TelemetryOptions } from './start-telemetry.ts';
export { messagingAttributes, type SpanOptions, type Tracing } from './tracing.ts';
export { CATALOGUE, type LabelsOf, type MetricDefinition, type MetricKey } from './metrics-catalogue.ts';
export { createMetrics, type Metrics } from './metrics.ts';
export {
  emptyHistogram,
  observe,
  registerFoldedMetrics,
  type FoldedHistogram,
  type FoldedSeries,
  type Series,
} from './folded-metrics.ts';
export { Registry, collectDefaultMetrics } from 'prom-client';
