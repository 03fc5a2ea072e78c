/** What the dashboard shows: rows of panels, each a question with the queries that answer it. */

import { decisions } from './dashboard-decisions.ts';
import { always, folded, inTrouble, quantile, recent, type Row } from './dashboard-query.ts';

const flow: Row = {
  title: 'Flow',
  panels: [
    {
      title: 'Missions by status',
      description: 'Where missions stand now.',
      kind: 'timeseries',
      unit: 'short',
      queries: [always('{{status}}', folded('status', 'baton_missions'))],
    },
    {
      title: 'Missions ended per hour',
      description: 'By outcome, over the last hour.',
      kind: 'timeseries',
      unit: 'short',
      queries: [
        always('{{outcome}}', `sum by (outcome) (${folded('outcome, failure_class', 'increase(baton_missions_total[1h])')})`),
      ],
    },
    {
      title: 'Lead time',
      description: 'From acceptance to completion, all missions in the log.',
      kind: 'stat',
      unit: 's',
      queries: [
        always('p50', quantile(0.5, '', 'baton_mission_lead_time_seconds')),
        always('p90', quantile(0.9, '', 'baton_mission_lead_time_seconds')),
      ],
    },
    {
      title: 'Time to recovery',
      description: 'From the first failed or lost attempt at a task to its next success: the mean over the log.',
      kind: 'stat',
      unit: 's',
      queries: [inTrouble('mean', 'max(baton_mission_recovery_seconds_sum) / (max(baton_mission_recovery_seconds_count) > 0)')],
    },
  ],
};

const steps: Row = {
  title: 'Steps and failures',
  panels: [
    {
      title: 'Step time, p90',
      description: 'How long each step takes, waiting included.',
      kind: 'timeseries',
      unit: 's',
      queries: [always('{{step}}', quantile(0.9, 'step', 'baton_step_seconds'))],
    },
    {
      title: 'Attempts by outcome',
      description: 'Attempts at tasks that have ended.',
      kind: 'timeseries',
      unit: 'short',
      queries: [always('{{outcome}}', `sum by (outcome) (${folded('outcome, failure_class', 'baton_attempts_total')})`)],
    },
    {
      title: 'Failed attempts by class',
      description: 'transient: systems; semantic: agents; policy: rules. Lost attempts are transient.',
      kind: 'timeseries',
      unit: 'short',
      queries: [
        inTrouble(
          '{{failure_class}}',
          `sum by (failure_class) (${folded('outcome, failure_class', 'baton_attempts_total{outcome!="succeeded"}')})`,
        ),
      ],
    },
    {
      title: 'Held up',
      description: 'Steps that wait for what is out of reach, most often the host of a repository; tried again by themselves.',
      kind: 'timeseries',
      unit: 'short',
      queries: [always('{{step}}', folded('step', 'baton_delayed'))],
    },
    {
      title: 'Review rounds per task',
      description: 'The mean number of reviews until a task is concluded.',
      kind: 'stat',
      unit: 'short',
      queries: [always('mean', 'max(baton_review_rounds_sum) / max(baton_review_rounds_count)')],
    },
    {
      title: 'Long work running',
      description: 'Attempts, reviews and integrations that run now.',
      kind: 'timeseries',
      unit: 'short',
      queries: [always('{{kind}}', 'sum by (kind) (baton_work_running)')],
    },
    {
      title: 'Work taken over per hour',
      description: 'Reviews, integrations and landings whose process was gone; lost attempts are among the attempts by outcome.',
      kind: 'timeseries',
      unit: 'short',
      queries: [always('{{kind}}', 'sum by (kind) (increase(baton_work_taken_over_total[1h]))')],
    },
    {
      title: 'Long work, p90',
      description: 'How long it takes, by kind.',
      kind: 'timeseries',
      unit: 's',
      queries: [always('{{kind}}', recent(0.9, 'kind', 'baton_work_seconds'))],
    },
  ],
};

const bus: Row = {
  title: 'Log, relay, bus',
  panels: [
    {
      title: 'Log to bus',
      description: 'Events in the log that are not on the bus yet.',
      kind: 'timeseries',
      unit: 'short',
      queries: [always('events behind', 'max(baton_log_head_position) - max(baton_relay_published_position)')],
    },
    {
      title: 'Events per second',
      description: 'Appended by services, and published by the relay.',
      kind: 'timeseries',
      unit: 'ops',
      queries: [
        always('appended {{category}}', 'sum by (category) (rate(baton_appended_events_total[$__rate_interval]))'),
        always('published', 'sum(rate(baton_relay_published_events_total[$__rate_interval]))'),
      ],
    },
    {
      title: 'Group commit',
      description: 'Appends that share one transaction: the mean.',
      kind: 'timeseries',
      unit: 'short',
      queries: [
        always(
          '{{service}}',
          'sum by (service) (rate(baton_append_group_size_sum[$__rate_interval])) / (sum by (service) (rate(baton_append_group_size_count[$__rate_interval])) > 0)',
        ),
      ],
    },
    {
      title: 'Relay halted',
      description: '1: bus and log contradict each other.',
      kind: 'stat',
      unit: 'short',
      queries: [always('halted', 'max(baton_relay_halted)')],
    },
    {
      title: 'Streams, how full',
      description:
        'The events are trimmed from half the limit on, by what every service has handled. A full stream refuses what is new.',
      kind: 'timeseries',
      unit: 'percentunit',
      queries: [always('{{stream}}', 'max by (stream) (baton_stream_fill_ratio)')],
    },
    {
      title: 'Events since the last checkpoint',
      description: 'What a superuser of the database could rewrite without it being provable.',
      kind: 'timeseries',
      unit: 'short',
      queries: [always('events', 'max(baton_log_head_position) - max(baton_sealed_position)')],
    },
    {
      title: 'Seconds since the last checkpoint',
      description: 'One is due every minute.',
      kind: 'timeseries',
      unit: 's',
      queries: [always('seconds', 'time() - max(baton_sealed_at_seconds)')],
    },
    {
      title: 'Trust',
      description:
        '1: no checkpoint is signed because the log contradicts the last; nats-server acknowledges what is not on disk.',
      kind: 'stat',
      unit: 'short',
      queries: [always('sealer refuses', 'max(baton_sealer_refusing)'), always('bus unsynced', 'max(baton_bus_unsynced)')],
    },
    {
      title: 'Overdue deadlines',
      description: 'Due, and not taken over by the service they belong to.',
      kind: 'timeseries',
      unit: 'short',
      queries: [
        always('{{owner}}', 'max by (owner) (baton_deadlines_overdue)'),
        always('{{service}}: processes without a free slot', 'sum by (service) (baton_slots_full)'),
      ],
    },
    {
      title: 'Dead letters',
      description: 'Put aside, waiting for a decision.',
      kind: 'timeseries',
      unit: 'short',
      queries: [inTrouble('{{consumer}} {{reason}}', 'max by (consumer, reason) (baton_dead_letters)')],
    },
  ],
};

const services: Row = {
  title: 'Services',
  panels: [
    {
      title: 'Up',
      description: 'Processes that answer.',
      kind: 'timeseries',
      unit: 'short',
      queries: [always('{{service}}', 'sum by (service) (up{job="baton"})')],
    },
    {
      title: 'Ready',
      description: 'Processes that may be given work.',
      kind: 'timeseries',
      unit: 'short',
      queries: [always('{{service}}', 'sum by (service) (baton_ready)')],
    },
    {
      title: 'Deliveries per second',
      description: 'Settled deliveries by consumer and result.',
      kind: 'timeseries',
      unit: 'ops',
      queries: [always('{{consumer}} {{result}}', 'sum by (consumer, result) (rate(baton_deliveries_total[$__rate_interval]))')],
    },
    {
      title: 'Handling, p99',
      description: 'From receipt until it may be settled.',
      kind: 'timeseries',
      unit: 's',
      queries: [always('{{consumer}}', recent(0.99, 'consumer', 'baton_handling_seconds'))],
    },
    {
      title: 'Refusals',
      description: 'Commands that a decider refused; most are deliveries that came again.',
      kind: 'timeseries',
      unit: 'ops',
      queries: [inTrouble('{{reason}}', 'sum by (reason) (rate(baton_refusals_total[$__rate_interval]))')],
    },
    {
      title: 'Failed sweeps',
      description: 'Rounds of the sweep, and single deadlines, that failed; of metrics, reads of the log.',
      kind: 'timeseries',
      unit: 'ops',
      queries: [always('{{service}}', 'sum by (service) (rate(baton_sweep_failures_total[$__rate_interval]))')],
    },
    {
      title: 'Memory',
      description: 'Resident memory of each process.',
      kind: 'timeseries',
      unit: 'bytes',
      queries: [always('{{service}} {{instance}}', 'process_resident_memory_bytes{job="baton"}')],
    },
    {
      title: 'CPU',
      description: 'Cores that each process uses.',
      kind: 'timeseries',
      unit: 'short',
      queries: [always('{{service}} {{instance}}', 'rate(process_cpu_seconds_total{job="baton"}[$__rate_interval])')],
    },
  ],
};

export const ROWS: readonly Row[] = [flow, steps, decisions, bus, services];
