/**
 * Who may write what: the one matrix from which the Postgres grants and the NATS permissions are made.
 * A category is the part of a stream's name before the first dash: `mission` of `mission-<id>`.
 */
export const SERVICES = {
  intake: { appends: ['mission'] },
  planner: { appends: ['plan'] },
  executor: { appends: ['task'] },
  reviewer: { appends: ['review'] },
  approval: { appends: ['gate'] },
  release: { appends: ['release'] },
  metrics: { appends: [] },
  relay: { appends: [] },
} as const satisfies Record<string, { readonly appends: readonly string[] }>;

export type ServiceName = keyof typeof SERVICES;
export const SERVICE_NAMES = Object.keys(SERVICES) as readonly ServiceName[];

/** The Postgres login role and the NATS user of a service have the same name. */
export const roleOf = (service: ServiceName): string => `baton_${service}`;

/** Reads everything, writes nothing: `baton timeline`, `baton verify`, auditors. */
export const AUDITOR_ROLE = 'baton_auditor';

export const categoryOf = (stream: string): string => stream.slice(0, Math.max(0, stream.indexOf('-')));
