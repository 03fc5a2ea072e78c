/** What handling tells, as spans, metrics and log lines. */
import { describeEvent, INBOUND, subjectOf, type EventType, type InboundName } from '@baton/contracts';
import type { Instruments } from '@baton/handling';
import { messagingAttributes, type Logger, type Metrics, type Tracing } from '@baton/telemetry';

/** Events and requests have the subject as their destination: few values, no ids. */
function destinationOf(type: string): string {
  if (describeEvent(type)) return subjectOf(type as EventType);
  return Object.hasOwn(INBOUND, type) ? INBOUND[type as InboundName].subject : type;
}

export function instrumentsOf({
  logger,
  metrics,
  tracing,
}: {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
}): Instruments {
  return {
    span(name, { mission_id, consumer, event_type, event_id, stream, position }, parent_traceparent, fn) {
      if (!tracing.recording) return tracing.withSpan({ name, parent_traceparent }, fn);
      if (consumer === undefined)
        return tracing.withSpan(
          { name, parent_traceparent, attributes: { 'baton.mission.id': mission_id, 'baton.stream': stream } },
          fn,
        );
      const attributes = {
        ...messagingAttributes({
          destination: destinationOf(event_type ?? ''),
          consumer,
          message_id: event_id ?? String(position ?? ''),
          mission_id,
        }),
        'baton.position': position,
      };
      return tracing.withSpan({ name, kind: 'consumer', parent_traceparent, attributes }, fn);
    },
    handled(consumer, result, seconds) {
      metrics.deliveries.inc({ consumer, result });
      metrics.handling_seconds.observe({ consumer }, seconds);
      if (result === 'discarded') logger.info({ consumer }, 'discarded-event-left-out');
    },
    appended: (category, events) => metrics.appended_events.inc({ category }, events),
    refused(stream, command, reason) {
      metrics.refusals.inc({ reason });
      logger.info({ stream, command, reason }, 'command-refused');
    },
    requestRefused: (request) => logger.warn(request, 'request-refused'),
    workStarted: (kind) => metrics.work_running.inc({ kind }),
    workEnded(kind, outcome, seconds) {
      metrics.work_running.dec({ kind });
      metrics.work_seconds.observe({ kind, outcome }, seconds);
    },
    workTakenOver: (kind) => metrics.work_taken_over.inc({ kind }),
    deadLettered: (consumer, reason, cause) => {
      if (reason === 'forged-event')
        logger.fatal({ consumer, cause, runbook: 'deploy/runbooks/forged-event.md' }, 'forged_event');
      else logger.error({ consumer, reason, cause, check: 'replay or discard it: until then its stream waits' }, 'dead-lettered');
    },
    deadlineFailed(stream, key, err) {
      metrics.sweep_failures.inc();
      logger.warn({ stream, key, err }, 'deadline-failed');
    },
    fault: (what, err) => logger.warn({ where: what, err }, 'will-try-again'),
  };
}
