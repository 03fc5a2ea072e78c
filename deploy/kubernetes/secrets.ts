/**
 * The secrets and public keys that the manifests refer to, from deploy/docker/.env, as manifests on standard output:
 *   node deploy/docker/make-secrets.ts
 *   node deploy/kubernetes/secrets.ts [postgres.host:5432/database] | kubectl apply -f -
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv, stdout } from 'node:process';
import { CLI, PROVISIONER, nkeyVariable } from '@baton/bus';
import { AUDITOR_ROLE, BUS_USERS, SERVICE_NAMES, isBusUser, roleOf, type BusUser } from '@baton/contracts';
import { readEnvFile, type Secrets } from '../docker/make-secrets.ts';

const NAMESPACE = 'baton';
/** Of the component `postgres`. */
const POSTGRES_DEFAULT = 'postgres:5432/baton';

export interface Manifest {
  readonly apiVersion: 'v1';
  readonly kind: 'Secret' | 'ConfigMap';
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly stringData?: Secrets;
  readonly data?: Secrets;
}

export function secretManifests(env: Secrets, postgres: string): readonly Manifest[] {
  const value = (name: string): string => {
    const found = env[name];
    if (!found) throw new Error(`${name} is missing: run node deploy/docker/make-secrets.ts`);
    return found;
  };
  const password = (role: string): string => value(`BATON_PG_PASSWORD_${role.replace('baton_', '').toUpperCase()}`);
  const seed = (user: BusUser): string => value(nkeyVariable(user).replace('BATON_NKEY_', 'BATON_NKEY_SEED_'));
  const secret = (name: string, stringData: Secrets): Manifest => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: NAMESPACE }, stringData });
  const adminPassword = value('BATON_PG_ADMIN_PASSWORD');
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'baton-nkeys', namespace: NAMESPACE }, data: Object.fromEntries(BUS_USERS.map((user) => [nkeyVariable(user), value(nkeyVariable(user))])) },
    secret('baton-postgres', { password: adminPassword }),
    secret('baton-provision', {
      BATON_PG_ADMIN_URL: `postgres://postgres:${adminPassword}@${postgres}`,
      BATON_NATS_NKEY_SEED: seed(PROVISIONER),
      ...Object.fromEntries([...SERVICE_NAMES.map(roleOf), AUDITOR_ROLE].map((role) => [`BATON_PG_PASSWORD_${role.replace('baton_', '').toUpperCase()}`, password(role)])),
    }),
    ...SERVICE_NAMES.map((service) => secret(`baton-${service}`, { BATON_PG_URL: `postgres://${roleOf(service)}:${password(roleOf(service))}@${postgres}`, ...(isBusUser(service) ? { BATON_NATS_NKEY_SEED: seed(service) } : {}), ...(service === 'relay' ? { BATON_SEALER_KEY: value('BATON_SEALER_KEY') } : {}) })),
    secret('baton-cli', { BATON_AUDITOR_PG_URL: `postgres://${AUDITOR_ROLE}:${password(AUDITOR_ROLE)}@${postgres}`, BATON_NATS_NKEY_SEED: seed(CLI) }),
  ];
}

if (import.meta.main) {
  const env = readEnvFile(readFileSync(join(import.meta.dirname, '../docker/.env'), 'utf8'));
  const manifests = secretManifests(env, argv[2] ?? POSTGRES_DEFAULT);
  // JSON is YAML; several documents to a stream.
  stdout.write(manifests.map((manifest) => `---\n${JSON.stringify(manifest, null, 2)}\n`).join(''));
}
