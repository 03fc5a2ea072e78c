/** Logs are events with fields, one JSON object per line on standard output. Never payloads, prompts or diffs: digests and sizes. */
import { pino, stdTimeFunctions, type DestinationStream, type Logger as PinoLogger } from 'pino';
import { activeTraceparent, spanIdOf, traceIdOf } from './trace-context.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type Logger = PinoLogger;

/** Fields that may hold a secret or a payload wherever somebody puts them, at the top or one level down. */
const SECRET_FIELDS = [
  'password',
  'secret',
  'token',
  'authorization',
  'cookie',
  'seed',
  'nkey_seed',
  'api_key',
  'pg_url',
  'body',
  'data',
  'payload',
  'prompt',
  'diff',
];
const REDACTED_PATHS = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]);

export interface LoggerOptions {
  readonly service: string;
  readonly level: LogLevel;
  readonly instance?: string;
  /** Standard output unless told otherwise. */
  readonly destination?: DestinationStream;
}

export function logger({ service, level, instance, destination }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: { service, ...(instance ? { instance } : {}) },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
      mixin: traceFields,
    },
    // Synchronous: the last line before a crash is the one that matters, and lines are few.
    destination ?? pino.destination({ dest: 1, sync: true }),
  );
}

function traceFields(): Record<string, string> {
  const traceparent = activeTraceparent();
  return traceparent === undefined ? {} : { trace_id: traceIdOf(traceparent), span_id: spanIdOf(traceparent) };
}
