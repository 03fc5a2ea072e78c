/** What the environment may say; the only reader of it in this service. */
import process from 'node:process';
import { RELAY_BATCH_MAX, RELAY_POLL_MS } from '@baton/bus';
import { SEAL_EVENTS_MAX, SEAL_INTERVAL_MS } from '@baton/event-store';
import { baseConfigSchema, readConfig } from '@baton/service-host';
import { z } from 'zod';

export const relayConfigSchema = baseConfigSchema.extend({
  BATON_NATS_REPLICAS: z.coerce
    .number()
    .int()
    .min(1)
    .max(5)
    .default(1)
    .describe('give how many servers keep a copy of each stream: 1 for one server, 3 for a cluster'),
  BATON_RELAY_BATCH_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(5_000)
    .default(RELAY_BATCH_MAX)
    .describe('give how many events may be on their way to the bus at once, 1 to 5000'),
  BATON_RELAY_POLL_MS: z.coerce
    .number()
    .int()
    .min(10)
    .max(60_000)
    .default(RELAY_POLL_MS)
    .describe('give how long an append may go unnoticed when its notification is lost, in ms'),
  BATON_RELAY_LEASE_MS: z.coerce
    .number()
    .int()
    .min(500)
    .max(60_000)
    .default(3_000)
    .describe('give how long the other replica waits before it takes over from a leader that died, in ms'),
  BATON_NATS_UNSYNCED: z
    .enum(['accept', 'refuse'])
    .default('refuse')
    .describe('give accept where it is known that a single nats-server may forget at a power loss what it has acknowledged'),
  BATON_CHECKPOINTS_DIR: z
    .string()
    .min(1)
    .optional()
    .describe(
      'give the directory outside the database to which checkpoints of the log are written, or leave it out to seal nothing',
    ),
  BATON_SEALER_KEY: z
    .string()
    .regex(/^PRIVATE\+KEY\+\S+$/, 'is not a signing key')
    .optional()
    .describe('give the key that checkpoints are signed with (PRIVATE+KEY+…, made by deploy/docker/make-secrets.ts)'),
  BATON_SEAL_INTERVAL_MS: z.coerce
    .number()
    .int()
    .min(100)
    .max(3_600_000)
    .default(SEAL_INTERVAL_MS)
    .describe('give how often a checkpoint is signed while the log grows, in ms'),
  BATON_SEAL_EVENTS_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(SEAL_EVENTS_MAX)
    .describe('give after how many events a checkpoint is signed sooner'),
});
export type RelayConfig = z.output<typeof relayConfigSchema>;

export const readRelayConfig = (): RelayConfig => readConfig(relayConfigSchema, process.env);
