/** One span around one piece of work. Handling sees only this interface; OpenTelemetry stays behind it. */
import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type Tracer,
} from '@opentelemetry/api';
import { activeTraceparent, isTraceparent, newTraceparent, spanIdOf, traceIdOf, withTraceparent } from './trace-context.ts';

export interface SpanOptions {
  /** `<operation> <destination template>`, such as `process baton.event.plan.task-ready`; never with ids in it. */
  readonly name: string;
  readonly kind?: 'internal' | 'consumer';
  /** From the message or the request; absent or malformed: the span we are in, or else a new trace. */
  readonly parent_traceparent?: string | undefined;
  readonly attributes?: Attributes;
}

export interface Tracing {
  /** False: attributes are looked at by nobody and need not be put together. */
  readonly recording: boolean;
  /** Runs `work` in a span and hands it the traceparent to pass on. What it rejects with is recorded and passed through. */
  withSpan<T>(span: SpanOptions, work: (traceparent: string) => Promise<T>): Promise<T>;
}

const parentOf = (span: SpanOptions): string | undefined =>
  isTraceparent(span.parent_traceparent) ? span.parent_traceparent : activeTraceparent();

/** Records nothing: the parent's traceparent goes on unchanged, so that spans recorded elsewhere still hang together. */
export const unrecordedTracing: Tracing = {
  recording: false,
  withSpan: (span, work) => withTraceparent(parentOf(span) ?? newTraceparent(), work),
};

const KINDS = {
  internal: SpanKind.INTERNAL,
  consumer: SpanKind.CONSUMER,
} as const;

function contextOf(traceparent: string | undefined): Context {
  if (traceparent === undefined) return ROOT_CONTEXT;
  // The flags are the last byte; only their lowest bit (sampled) means anything in version 00.
  const traceFlags = Number.parseInt(traceparent.slice(53), 16) & TraceFlags.SAMPLED;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: traceIdOf(traceparent),
    spanId: spanIdOf(traceparent),
    traceFlags,
    isRemote: true,
  });
}

/** Records every span with this tracer. */
export function recordedTracing(tracer: Tracer): Tracing {
  return {
    recording: true,
    async withSpan(options, work) {
      const parent = contextOf(parentOf(options));
      const span = tracer.startSpan(
        options.name,
        { kind: KINDS[options.kind ?? 'internal'], ...(options.attributes ? { attributes: options.attributes } : {}) },
        parent,
      );
      const { traceId, spanId, traceFlags } = span.spanContext();
      const traceparent = `00-${traceId}-${spanId}-${traceFlags & TraceFlags.SAMPLED ? '01' : '00'}`;
      try {
        return await context.with(trace.setSpan(parent, span), () => withTraceparent(traceparent, work));
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message });
        span.recordException(error as Error);
        throw error;
      } finally {
        span.end();
      }
    },
  };
}

/** The names of the semantic conventions (messaging, 1.44) for one message that is processed. */
export function messagingAttributes(message: {
  /** Of few values: subjects carry no ids. */
  readonly destination: string;
  readonly consumer: string;
  readonly message_id: string;
  readonly mission_id: string;
}): Attributes {
  return {
    'messaging.system': 'nats',
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': message.destination,
    'messaging.destination.template': message.destination,
    'messaging.consumer.group.name': message.consumer,
    'messaging.message.id': message.message_id,
    'messaging.message.conversation_id': message.mission_id,
  };
}
