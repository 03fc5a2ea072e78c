/**
 * Every part has a password or key of its own in deploy/docker/.env, made once. What is there stays; what a newer release needs
 * besides is added. Run, after `npm run build`: node deploy/docker/make-secrets.ts
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stdout } from 'node:process';
import { nkeyVariable } from '@baton/bus';
import { BUS_USERS, SERVICE_NAMES } from '@baton/contracts';
import { SEALER_KEY_NAME, newSigningKey } from '@baton/event-store';
import { createUser } from '@nats-io/nkeys';

const PASSWORD_BYTES = 24;
const OWNER_ONLY = 0o600;

export type Secrets = Readonly<Record<string, string>>;

/** `found`, completed. A public key is never kept without its seed. */
export function completeSecrets(found: Secrets): Secrets {
  const passwords = ['BATON_PG_ADMIN_PASSWORD', ...[...SERVICE_NAMES, 'auditor'].map((role) => `BATON_PG_PASSWORD_${role.toUpperCase()}`), 'BATON_GRAFANA_PASSWORD'];
  const keys = BUS_USERS.flatMap((user) => {
    const [publicName, seedName] = [nkeyVariable(user), nkeyVariable(user).replace('BATON_NKEY_', 'BATON_NKEY_SEED_')];
    if (found[publicName] && found[seedName]) return [];
    const pair = createUser();
    return [[publicName, pair.getPublicKey()], [seedName, new TextDecoder().decode(pair.getSeed())]] as const;
  });
  const missing = passwords.filter((name) => !found[name]).map((name) => [name, randomBytes(PASSWORD_BYTES).toString('base64url')] as const);
  return { ...found, ...Object.fromEntries([...missing, ...keys]), BATON_SEALER_KEY: found['BATON_SEALER_KEY'] || newSigningKey(SEALER_KEY_NAME) };
}

export function readEnvFile(text: string): Secrets {
  return Object.fromEntries(text.split('\n').flatMap((line) => {
    const [, name, value] = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value]];
  }));
}

export const writeEnvFile = (secrets: Secrets): string => Object.entries(secrets).map(([name, value]) => `${name}=${value}\n`).join('');

function main(file: string): void {
  const found = existsSync(file) ? readEnvFile(readFileSync(file, 'utf8')) : {};
  const secrets = completeSecrets(found);
  const added = Object.keys(secrets).filter((name) => secrets[name] !== found[name]).length;
  // Whole or not at all: half a file would be completed with keys that the servers do not know.
  writeFileSync(`${file}.new`, writeEnvFile(secrets), { mode: OWNER_ONLY });
  renameSync(`${file}.new`, file);
  stdout.write(`${file}: ${added} of ${Object.keys(secrets).length} secrets are new\n`);
}

if (import.meta.main) main(join(import.meta.dirname, '.env'));
