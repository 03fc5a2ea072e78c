import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { nkeyVariable } from '@baton/bus';
import { BUS_USERS, SERVICE_NAMES, isBusUser, roleOf } from '@baton/contracts';
import { SEALER_KEY_NAME, readSigningKey } from '@baton/event-store';
import { baseConfigSchema, logConfigSchema, readConfig } from '@baton/service-host';
import { describe, expect, it } from '@jest/globals';
import { fromSeed } from '@nats-io/nkeys';
import { parse } from 'yaml';

import { completeSecrets, readEnvFile, writeEnvFile } from '../../../deploy/docker/make-secrets.ts';
import { DEPLOY } from './alerts.ts';
import { composeFaults, readCompose } from './compose.ts';

const ROOT = join(DEPLOY, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const exists = (path: string): boolean => existsSync(join(ROOT, path));
const text = read('docker-compose.yml');
const secrets = completeSecrets({});
const compose = readCompose(text, secrets);

/** What an app's config.ts reads besides what every service reads. */
const settingsOf = (service: string): readonly string[] =>
  read(`apps/${service}/src/config.ts`).match(/\bBATON_[A-Z_]+(?=:)/g) ?? [];

describe('docker-compose.yml', () => {
  it('pins, binds, checks and restarts what it should', () => {
    expect(composeFaults(compose, exists)).toEqual([]);
  });

  it.each(SERVICE_NAMES)('runs %s with a configuration that it accepts, and its own role and key', (service) => {
    const { build, environment = {} } = compose.services[service] ?? {};
    expect(build?.args.SERVICE).toBe(service);
    const config = readConfig(isBusUser(service) ? baseConfigSchema : logConfigSchema, environment);
    expect(new URL(config.BATON_PG_URL).username).toBe(roleOf(service));
    expect(new URL(config.BATON_PG_URL).password).toBe(secrets[`BATON_PG_PASSWORD_${service.toUpperCase()}`]);
    const seed = environment.BATON_NATS_NKEY_SEED;
    const key = seed === undefined ? undefined : fromSeed(new TextEncoder().encode(seed)).getPublicKey();
    expect(seed !== undefined).toBe(isBusUser(service));
    expect(key).toBe(isBusUser(service) ? compose.services.nats?.environment?.[nkeyVariable(service)] : undefined);
    const known = [...Object.keys(baseConfigSchema.shape), ...settingsOf(service)];
    expect(Object.keys(environment).filter((name) => !known.includes(name))).toEqual([]);
  });

  it('gives work a disk where the service looks for one', () => {
    const workers = SERVICE_NAMES.filter((service) => settingsOf(service).includes('BATON_WORK_DIR'));
    expect(workers).not.toEqual([]);
    for (const worker of workers)
      expect(compose.services[worker]).toMatchObject({
        volumes: [expect.stringContaining(`:${compose.services[worker]?.environment?.BATON_WORK_DIR}`)],
      });
  });

  it('keeps checkpoints on a disk of their own, and their key from everybody but who signs', () => {
    const { environment, volumes } = compose.services.relay ?? {};
    expect(volumes).toEqual([`checkpoints:${environment?.BATON_CHECKPOINTS_DIR}`]);
    expect(readSigningKey(environment?.BATON_SEALER_KEY ?? '').verifier.name).toBe(SEALER_KEY_NAME);
    const holders = Object.entries(compose.services).filter(([, service]) => 'BATON_SEALER_KEY' in (service.environment ?? {}));
    expect(holders.map(([name]) => name)).toEqual(['relay']);
    expect(read('deploy/docker/Dockerfile')).toContain(environment?.BATON_CHECKPOINTS_DIR ?? 'nowhere');
  });

  it('gives running work time to finish', () => {
    for (const service of SERVICE_NAMES) {
      const { environment, stop_grace_period } = compose.services[service] ?? {};
      expect(Number.parseInt(stop_grace_period ?? '0', 10) * 1_000).toBeGreaterThan(Number(environment?.BATON_DRAIN_GRACE_MS));
    }
  });

  it('gives nats-server every variable that its configuration names', () => {
    const lines = read('deploy/nats/nats.conf')
      .split('\n')
      .filter((line) => !line.startsWith('#'));
    const named = [...new Set(lines.flatMap((line) => line.match(/(?<=\$)BATON_\w+/g) ?? []))];
    expect(named.length).toBeGreaterThan(BUS_USERS.length);
    expect(named.toSorted()).toEqual(Object.keys(compose.services.nats?.environment ?? {}).toSorted());
  });

  it('provisions before any service starts', () => {
    expect(compose.services.provision?.environment).toMatchObject({
      BATON_PG_ADMIN_URL: expect.any(String),
      BATON_NATS_NKEY_SEED: secrets.BATON_NKEY_SEED_PROVISIONER,
    });
    for (const service of SERVICE_NAMES)
      expect(compose.services[service]?.depends_on).toMatchObject({ provision: { condition: 'service_completed_successfully' } });
  });

  it('is scraped whole: one target for each service, under its name', () => {
    const config = parse(read('deploy/prometheus/compose.yaml')) as {
      scrape_configs: { static_configs: { targets: string[]; labels: { service: string } }[] }[];
    };
    const scraped = config.scrape_configs.flatMap(({ static_configs }) =>
      static_configs.map(({ targets, labels }) => `${labels.service} ${targets.join()}`),
    );
    expect(scraped).toEqual(SERVICE_NAMES.map((service) => `${service} ${service}:8080`));
  });

  it.each<readonly [string, string, string, string]>([
    ['an image without a version', 'postgres:17.6-bookworm', 'postgres:latest', 'postgres: image'],
    ['a port open to the world', "'127.0.0.1:${BATON_NATS_PORT:-4222}:4222'", "'4222:4222'", 'nats: port'],
    ['a mount that is gone', './deploy/nats/nats.conf', './deploy/nats/nats.cfg', 'nats: volume'],
    ['the wrong image', 'args: { SERVICE: relay }', 'args: { SERVICE: intake }', 'relay: builds intake'],
    [
      'a service that is not there',
      'nats: { condition: service_healthy }',
      'natz: { condition: service_healthy }',
      'depends on natz',
    ],
  ])('would be reported for %s', (_name, sound, broken, said) => {
    expect(text).toContain(sound);
    expect(composeFaults(readCompose(text.replace(sound, broken), secrets), exists).join('\n')).toContain(said);
  });

  it('refuses to start without its secrets', () => {
    expect(() => readCompose(text, {})).toThrow('BATON_PG_ADMIN_PASSWORD');
  });
});

describe('make-secrets.ts', () => {
  it('keeps what is there and adds only what is missing', () => {
    const { BATON_NKEY_SEED_RELAY: _, ...lost } = secrets;
    const again = completeSecrets(readEnvFile(writeEnvFile(lost)));
    const changed = Object.keys(again).filter((name) => again[name] !== secrets[name]);
    // A public key without its seed is of no use.
    expect(changed.toSorted()).toEqual(['BATON_NKEY_RELAY', 'BATON_NKEY_SEED_RELAY']);
    expect(completeSecrets(secrets)).toEqual(secrets);
  });
});
