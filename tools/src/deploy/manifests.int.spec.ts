import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { SERVICE_NAMES } from '@baton/contracts';
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { parse } from 'yaml';

import { completeSecrets } from '../../../deploy/docker/make-secrets.ts';
import { secretManifests } from '../../../deploy/kubernetes/secrets.ts';
import { DEPLOY } from './alerts.ts';
import { POLICIES, policyFaults } from './manifest-policies.ts';
import { type Manifest, type Pod, render, schemaFaults, unknownFields } from './manifests.ts';

const FETCH_MS_MAX = 300_000;
const DNS_NAME = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
// The compiler and kubectl run as processes of their own, on a machine that may have much else to do.
jest.setTimeout(60_000);
const OVERLAYS = ['base', 'overlays/dev', 'overlays/prod'] as const;
const log = (message: string): void => void process.stdout.write(`${message}\n`);

const rendered = new Map<string, readonly Manifest[]>();
beforeAll(async () => {
  for (const overlay of OVERLAYS) rendered.set(overlay, await render(overlay, log));
}, FETCH_MS_MAX);

// Of the Prometheus operator, whose schema is not Kubernetes'.
const isOfKubernetes = ({ apiVersion }: Manifest): boolean => apiVersion !== 'monitoring.coreos.com/v1';

describe.each(OVERLAYS)('deploy/kubernetes/%s', (overlay) => {
  const manifests = (): readonly Manifest[] => rendered.get(overlay) ?? [];

  it('runs every service, and provisions with the same configuration of the bus', () => {
    const deployments = manifests()
      .filter(({ kind }) => kind === 'Deployment')
      .map(({ metadata }) => metadata.name);
    expect(deployments.toSorted()).toEqual(SERVICE_NAMES.map((service) => `baton-${service}`).toSorted());
    expect(
      manifests()
        .filter(({ kind }) => kind === 'Job')
        .map(({ metadata }) => metadata.name),
    ).toEqual(['baton-provision']);
    const config = manifests().find(({ metadata }) => metadata.name.startsWith('baton-nats-config'));
    expect(config?.data?.['nats.conf']).toBe(readFileSync(join(DEPLOY, 'nats/nats.conf'), 'utf8'));
    expect(
      JSON.stringify(manifests().find(({ kind, metadata }) => kind === 'StatefulSet' && metadata.name === 'baton-nats')),
    ).toContain(`"name":"${config?.metadata.name}"`);
  });

  it('fits the schemas of Kubernetes, with no field that it does not know', async () => {
    const known = manifests().filter(isOfKubernetes);
    expect((await Promise.all(known.map(schemaFaults))).flat()).toEqual([]);
    expect(await unknownFields(known)).toEqual([]);
  });

  it('keeps every policy', () => {
    expect(policyFaults(manifests())).toEqual([]);
  });

  it('keeps checkpoints of the log on a disk that every replica of the relay can have', () => {
    const relay = manifests().find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'baton-relay')?.spec as {
      readonly replicas: number;
      readonly template: Pod;
    };
    const claim = manifests().find(({ kind }) => kind === 'PersistentVolumeClaim');
    expect(relay.template.spec.volumes).toContainEqual({
      name: 'checkpoints',
      persistentVolumeClaim: { claimName: claim?.metadata.name },
    });
    const [container] = relay.template.spec.containers;
    const directory = container?.env?.find(({ name }) => name === 'BATON_CHECKPOINTS_DIR')?.value;
    expect(container).toMatchObject({ volumeMounts: expect.arrayContaining([{ name: 'checkpoints', mountPath: directory }]) });
    expect(claim?.spec).toMatchObject({ accessModes: [relay.replicas > 1 ? 'ReadWriteMany' : 'ReadWriteOnce'] });
  });

  it('refers to secrets and settings that it holds or that deploy/kubernetes/secrets.ts makes', () => {
    const made = secretManifests(completeSecrets({}), 'postgres:5432/baton').map(({ metadata }) => metadata.name);
    const held = manifests()
      .filter(({ kind }) => kind === 'ConfigMap')
      .map(({ metadata }) => metadata.name);
    const named = [
      ...JSON.stringify(manifests()).matchAll(
        /"(?:secretRef|configMapRef|secretKeyRef|configMap)":\{(?:"key":"\w+",)?"name":"([^"]+)"/g,
      ),
    ].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(SERVICE_NAMES.length);
    expect(named.filter((name) => ![...made, ...held].includes(name ?? ''))).toEqual([]);
  });
});

describe('what watches over production', () => {
  const RULES = join(DEPLOY, 'prometheus/rules');
  const ofKind = (kind: string): readonly Manifest[] =>
    (rendered.get('overlays/prod') ?? []).filter((manifest) => manifest.kind === kind);

  it('is every rule, as the objects that the Prometheus operator loads', () => {
    const rules = ofKind('PrometheusRule') as readonly (Manifest & { readonly spec: { readonly groups: readonly object[] } })[];
    expect(rules.map(({ apiVersion }) => apiVersion)).toEqual(rules.map(() => 'monitoring.coreos.com/v1'));
    expect(rules.filter(({ metadata }) => !DNS_NAME.test(metadata.name) || metadata.namespace !== 'baton')).toEqual([]);
    const groups = readdirSync(RULES).flatMap((file) => {
      const { groups: inFile } = parse(readFileSync(join(RULES, file), 'utf8')) as { readonly groups: readonly object[] };
      return inFile;
    });
    expect(groups.length).toBeGreaterThan(0);
    expect(rules.flatMap(({ spec }) => spec.groups)).toEqual(groups);
  });

  it('scrapes the pods of every service, by the port that they have', () => {
    const [monitor] = ofKind('PodMonitor') as readonly (Manifest & {
      readonly spec: { readonly podMetricsEndpoints: readonly { readonly port: string }[] };
    })[];
    const wanted = Object.entries(monitor?.spec.selector?.matchLabels ?? {});
    const [endpoint] = monitor?.spec.podMetricsEndpoints ?? [];
    const scraped = ofKind('Deployment').filter(({ spec }) => {
      const pod = spec?.template;
      const ports = JSON.stringify(pod?.spec.containers ?? []);
      return (
        wanted.every(([key, value]) => pod?.metadata?.labels?.[key] === value) && ports.includes(`"name":"${endpoint?.port}"`)
      );
    });
    expect(wanted).not.toEqual([]);
    expect(scraped.length).toBe(SERVICE_NAMES.length);
  });

  it('has its dashboard where the sidecar of Grafana looks for it', () => {
    const dashboards = ofKind('ConfigMap').filter(({ metadata }) => metadata.labels?.grafana_dashboard === '1');
    expect(dashboards.map(({ data }) => data)).toEqual([
      { 'baton.json': readFileSync(join(DEPLOY, 'grafana/dashboards/baton.json'), 'utf8') },
    ]);
  });
});

// Prometheus' own words for what is wrong with a manifest are another matter; here each check is shown one fault it must see.
type Edit = (manifest: Record<string, any>) => void; // eslint-disable-line typescript/no-explicit-any -- a planted fault may have any shape
const relay =
  (edit: Edit) =>
  (manifests: readonly Manifest[]): readonly Manifest[] =>
    planted(manifests, 'Deployment', 'baton-relay', edit);
const container = (edit: Edit) => relay(({ spec }) => edit(spec.template.spec.containers[0]));

function planted(manifests: readonly Manifest[], kind: string, name: string, edit: Edit): readonly Manifest[] {
  const copies = structuredClone(manifests) as Manifest[];
  const found = copies.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  if (!found) throw new Error(`there is no ${kind} ${name} to plant a fault in`);
  edit(found);
  return copies;
}

const VIOLATIONS: Readonly<Record<string, (manifests: readonly Manifest[]) => readonly Manifest[]>> = {
  'runs as a numeric user that is not root': relay(({ spec }) => delete spec.template.spec.securityContext.runAsUser),
  'has the default seccomp profile': relay(({ spec }) => delete spec.template.spec.securityContext.seccompProfile),
  'shares nothing with its host': relay(({ spec }) => spec.template.spec.volumes.push({ name: 'host', hostPath: { path: '/' } })),
  'has an account of its own without a token': relay(({ spec }) => delete spec.template.spec.automountServiceAccountToken),
  'cannot gain privileges': container(({ securityContext }) => (securityContext.capabilities.add = ['NET_ADMIN'])),
  'cannot write to its image': container(({ securityContext }) => (securityContext.readOnlyRootFilesystem = false)),
  'is of a named version': container((it) => (it.image = 'baton/relay:latest')),
  'asks for CPU and memory, and has a limit of memory': container(({ resources }) => delete resources.limits.memory),
  'never throttles the relay': container(({ resources }) => (resources.limits.cpu = '1')),
  'has the three probes': container(({ livenessProbe }) => (livenessProbe.httpGet.path = '/readyz')),
  'has no secret in it': container((it) => (it.env = [{ name: 'BATON_PG_URL', value: 'postgres://u:p@h/d' }])),
  'takes the secrets of itself and of nobody else': container(({ envFrom }) => (envFrom[1].secretRef.name = 'baton-intake')),
  'is given time to finish what it does': relay(({ spec }) => (spec.template.spec.terminationGracePeriodSeconds = 25)),
  'is spread over machines': relay(({ spec }) => delete spec.template.spec.topologySpreadConstraints),
  'has a disruption budget that counts it alone': (manifests) =>
    planted(manifests, 'PodDisruptionBudget', 'baton-relay', ({ spec }) => (spec.selector = {})),
  'can be scraped': relay(({ spec }) => delete spec.template.metadata.annotations),
  'lets nothing in or out that is not named': (manifests) =>
    planted(manifests, 'NetworkPolicy', 'default-deny', ({ spec }) => (spec.egress = [{}])),
  'opens no network policy to everybody': (manifests) =>
    planted(manifests, 'NetworkPolicy', 'allow-metrics', ({ spec }) => delete spec.ingress[0].from),
  'lives in the namespace of Baton': relay(({ metadata }) => (metadata.namespace = 'default')),
  'enforces the restricted standard on the namespace': (manifests) =>
    planted(manifests, 'Namespace', 'baton', ({ metadata }) => delete metadata.labels),
};

describe('the policies', () => {
  it('each have a planted violation', () => {
    expect(Object.keys(VIOLATIONS)).toEqual(POLICIES.map(({ rule }) => rule));
  });
  it.each(POLICIES.map(({ rule }) => rule))('report what no longer %s', (rule) => {
    const faults = policyFaults(VIOLATIONS[rule]?.(rendered.get('base') ?? []) ?? []);
    expect(faults.filter((fault) => fault.startsWith(`${rule}: `))).not.toEqual([]);
  });
});

describe('the schemas', () => {
  it('report a wrong type, a missing field and an unknown field', async () => {
    const only = (manifests: readonly Manifest[]): Manifest[] =>
      manifests.filter(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'baton-relay');
    const base = rendered.get('base') ?? [];
    expect(await Promise.all(only(relay(({ spec }) => (spec.replicas = 'two'))(base)).map(schemaFaults))).toEqual([
      [expect.stringContaining('replicas must be integer')],
    ]);
    expect(await Promise.all(only(relay(({ spec }) => delete spec.selector)(base)).map(schemaFaults))).toEqual([
      [expect.stringContaining('selector')],
    ]);
    expect(await unknownFields(only(container((it) => (it.imagePullPolcy = 'Always'))(base)))).toEqual([
      expect.stringContaining('imagePullPolcy'),
    ]);
  });
});
