/** Each part of the local stack has a password or key of its own, made once and kept where only the owner can read it. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AUDITOR_ROLE, BUS_USERS, SERVICE_NAMES, roleOf, type BusUser } from '@baton/contracts';
import { SEALER_KEY_NAME, newSigningKey } from '@baton/event-store';
import { createUser } from '@nats-io/nkeys';
import { z } from 'zod';
import { CliProblem, EXIT } from '../exit-codes.ts';
import { readJson, writeJson, type Home } from './home.ts';

const nkeySchema = z.object({ seed: z.string().startsWith('SU'), public: z.string().startsWith('U') });
const secretsSchema = z.object({
  baton: z.literal('secrets/v1'),
  postgres_superuser: z.string().min(1),
  /** Role → password. */
  postgres: z.record(z.string(), z.string().min(1)),
  /** User of the bus → its nkey. */
  nkeys: z.record(z.string(), nkeySchema),
  /** Signs checkpoints of the log; its public half is beside them. */
  sealer: z.string().startsWith('PRIVATE+KEY+').optional(),
});
export type Secrets = z.infer<typeof secretsSchema>;

const PASSWORD_BYTES = 24;
const OWNER_ONLY = 0o600;
/** In every directory of a Postgres. */
const MADE_BY_POSTGRES = 'PG_VERSION';
const password = (): string => randomBytes(PASSWORD_BYTES).toString('base64url');

export const readSecrets = (home: Home): Secrets | null => readJson(home.secrets_file, secretsSchema);

/** What is there stays as it is; what a newer release needs besides is added. */
export function ensureSecrets(home: Home): Secrets {
  const found = readSecrets(home);
  // New ones would not open it: its superuser has the password that it was made with.
  if (found === null && existsSync(join(home.postgres, MADE_BY_POSTGRES)))
    throw new CliProblem(
      EXIT.refused,
      `${home.secrets_file} is missing, and ${home.postgres} has data that only its passwords open`,
      'restore it from a backup of this directory; to begin anew, without that data, name another directory with --home DIR',
    );
  const roles = [...SERVICE_NAMES.map(roleOf), AUDITOR_ROLE];
  const secrets: Secrets = {
    baton: 'secrets/v1',
    postgres_superuser: found?.postgres_superuser ?? password(),
    postgres: Object.fromEntries(roles.map((role) => [role, found?.postgres[role] ?? password()])),
    nkeys: Object.fromEntries(BUS_USERS.map((user) => [user, found?.nkeys[user] ?? newNkey()])),
    sealer: found?.sealer ?? newSigningKey(SEALER_KEY_NAME),
  };
  if (JSON.stringify(found) !== JSON.stringify(secrets)) writeJson(home.secrets_file, secrets, OWNER_ONLY);
  return secrets;
}

/** Somebody has removed the file of a stack that runs: whoever still knows what it said writes it again. */
export function keepSecrets(home: Home, secrets: Secrets): void {
  if (!existsSync(home.secrets_file)) writeJson(home.secrets_file, secrets, OWNER_ONLY);
}

function newNkey(): Secrets['nkeys'][string] {
  const pair = createUser();
  return { seed: new TextDecoder().decode(pair.getSeed()), public: pair.getPublicKey() };
}

export function nkeyOf(secrets: Secrets, user: BusUser): Secrets['nkeys'][string] {
  const nkey = secrets.nkeys[user];
  if (nkey === undefined) throw new Error(`there is no nkey of ${user}: ensureSecrets was not called`);
  return nkey;
}

export function passwordOf(secrets: Secrets, role: string): string {
  const found = secrets.postgres[role];
  if (found === undefined) throw new Error(`there is no password of ${role}: ensureSecrets was not called`);
  return found;
}

export function sealerKeyOf(secrets: Secrets): string {
  if (secrets.sealer === undefined) throw new Error('there is no key of the sealer: ensureSecrets was not called');
  return secrets.sealer;
}
