import { describe, expect, it } from '@jest/globals';
import { trace } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { logger } from './logger.ts';
import { startTelemetry } from './start-telemetry.ts';
import { activeTraceparent, isTraceparent } from './trace-context.ts';
import { messagingAttributes, recordedTracing, unrecordedTracing } from './tracing.ts';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('without an exporter', () => {
  it('passes a traceparent on as it came', async () => {
    const { tracing, shutdown } = await startTelemetry({ service: 'planner', version: '1', traces_exporter: 'none' });
    expect(await tracing.withSpan({ name: 'process', parent_traceparent: PARENT }, async (traceparent) => traceparent)).toBe(
      PARENT,
    );
    await shutdown();
  });

  it.each([
    undefined,
    '',
    'nonsense',
    `${PARENT}-more`,
    PARENT.replace('b7ad6b7169203331', '0000000000000000'),
    PARENT.toUpperCase(),
  ])('begins a trace of its own where it was given %p', async (parent) => {
    const seen = await unrecordedTracing.withSpan(
      { name: 'process', parent_traceparent: parent },
      async (traceparent) => traceparent,
    );
    expect(isTraceparent(seen)).toBe(true);
    expect(seen).not.toBe(parent);
  });

  it('keeps a span within the one around it, and its own from others', async () => {
    const within = await unrecordedTracing.withSpan({ name: 'outer', parent_traceparent: PARENT }, () =>
      unrecordedTracing.withSpan({ name: 'inner' }, async (traceparent) => traceparent),
    );
    expect(within).toBe(PARENT);
    expect(activeTraceparent()).toBeUndefined();
  });
});

describe('with an exporter', () => {
  it('records a consumer span under the sender, with the names of the messaging conventions', async () => {
    const exporter = new InMemorySpanExporter();
    const tracing = recordedTracing(
      new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }).getTracer('spec'),
    );
    const attributes = messagingAttributes({
      destination: 'baton.event.plan.task-ready',
      consumer: 'executor-start',
      message_id: 'm1',
      mission_id: 'shop-1',
    });
    const passedOn = await tracing.withSpan(
      { name: 'process TaskReady', kind: 'consumer', parent_traceparent: PARENT, attributes },
      async (traceparent) => traceparent,
    );
    const failed = tracing.withSpan({ name: 'work' }, () => Promise.reject(new Error('disk full')));
    await expect(failed).rejects.toThrow('disk full');

    const [recorded, broken] = exporter.getFinishedSpans();
    expect(recorded).toMatchObject({
      name: 'process TaskReady',
      kind: 4,
      parentSpanContext: { spanId: 'b7ad6b7169203331' },
      attributes: {
        'messaging.system': 'nats',
        'messaging.destination.template': 'baton.event.plan.task-ready',
        'messaging.message.id': 'm1',
        'messaging.message.conversation_id': 'shop-1',
      },
    });
    expect(passedOn).toBe(`00-0af7651916cd43dd8448eb211c80319c-${recorded?.spanContext().spanId}-01`);
    expect(broken).toMatchObject({ name: 'work', status: { message: 'disk full' } });
    expect(broken?.parentSpanContext).toBeUndefined();
  });

  it('gives up a collector that is not there and shuts down all the same', async () => {
    const telemetry = await startTelemetry({
      service: 'planner',
      version: '1',
      traces_exporter: 'otlp',
      otlp_endpoint: 'http://127.0.0.1:1/',
    });
    await telemetry.tracing.withSpan({ name: 'work' }, async () => expect(trace.getActiveSpan()).toBeDefined());
    await telemetry.shutdown();
    await telemetry.shutdown();
  });
});

describe('the log', () => {
  const lines: Record<string, unknown>[] = [];
  const log = logger({
    service: 'planner',
    level: 'info',
    instance: 'a',
    destination: { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  });

  it('is one JSON object per line, with the ids of the trace it belongs to', async () => {
    log.info({ event: 'plan-proposed', tasks: 3 }, 'plan proposed');
    await unrecordedTracing.withSpan({ name: 'x', parent_traceparent: PARENT }, async () => log.warn('inside'));
    expect(lines[0]).toMatchObject({
      level: 'info',
      service: 'planner',
      instance: 'a',
      event: 'plan-proposed',
      tasks: 3,
      msg: 'plan proposed',
      time: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(lines[0]).not.toHaveProperty('trace_id');
    expect(lines[1]).toMatchObject({ level: 'warn', trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'b7ad6b7169203331' });
  });

  it('shows no secret and no payload', () => {
    lines.length = 0;
    log.info({ token: 'hush', request: { authorization: 'hush', method: 'GET' }, message: { body: 'hush' }, pg_url: 'hush' });
    expect(JSON.stringify(lines)).not.toContain('hush');
    expect(lines[0]).toMatchObject({ request: { authorization: '[redacted]', method: 'GET' } });
  });
});
