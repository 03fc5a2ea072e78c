import { describe, expect, it } from '@jest/globals';
import { PRINCIPALS, PRIVILEGES, SERVICE_NAMES } from '@baton/contracts';
import { parseAllDocuments } from 'yaml';
import { logNetworkPolicy, networkPolicies } from './network-policies.ts';

interface Peer {
  readonly podSelector?: {
    readonly matchLabels?: object;
    readonly matchExpressions?: readonly { readonly values: readonly string[] }[];
  };
  readonly namespaceSelector?: { readonly matchLabels: object };
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}
interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports: readonly { readonly port: number }[];
}
interface Policy {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly policyTypes: readonly string[];
    readonly ingress?: readonly Rule[];
    readonly egress?: readonly Rule[];
  };
}
const policies = (text: string): readonly Policy[] =>
  parseAllDocuments(text).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as Policy;
  });
const base = policies(networkPolicies());
const policyOf = (name: string): Policy => base.find(({ metadata }) => metadata.name === `allow-${name}`)!;
const portsOf = (rules: readonly Rule[] | undefined): number[] =>
  (rules ?? []).flatMap(({ ports }) => ports.map(({ port }) => port));

describe('the network policies', () => {
  it('deny everything first, and name every service and the job that provisions', () => {
    expect(base.map(({ metadata }) => metadata.name)).toEqual([
      'default-deny',
      'allow-dns',
      ...SERVICE_NAMES.map((name) => `allow-${name}`),
      'allow-provision',
      'allow-bus-clients',
    ]);
  });

  it.each(SERVICE_NAMES)(
    'let %s reach what the matrix names and no other service, and be reached by no other service',
    (service) => {
      const { reaches, serves } = PRIVILEGES[service];
      const { spec } = policyOf(service);
      const wanted = { bus: [4222], log: [5432], traces: [4318], repositories: [443, 22] };
      expect(portsOf(spec.egress)).toEqual(reaches.flatMap((to) => wanted[to]));
      expect(portsOf(spec.ingress)).toEqual(serves.map(() => 8080));
      const pods = (spec.egress ?? []).flatMap(({ to }) => to ?? []).flatMap(({ podSelector }) => podSelector?.matchLabels ?? []);
      expect(pods).toEqual(reaches.filter((to) => to === 'bus').map(() => ({ 'app.kubernetes.io/name': 'nats' })));
      expect(
        (spec.ingress ?? [])
          .flatMap(({ from }) => from ?? [])
          .every(({ podSelector, namespaceSelector }) => !podSelector && namespaceSelector),
      ).toBe(true);
    },
  );

  it('let clients in at the two edges only, and repositories be reached without the neighbourhood', () => {
    const open = SERVICE_NAMES.filter((service) => JSON.stringify(policyOf(service)).includes('baton/client'));
    expect(open).toEqual(['intake', 'approval']);
    for (const service of SERVICE_NAMES.filter((name) => portsOf(policyOf(name).spec.egress).includes(22))) {
      const blocks = (policyOf(service).spec.egress ?? [])
        .flatMap(({ to }) => to ?? [])
        .flatMap(({ ipBlock }) => ipBlock?.except ?? []);
      expect(blocks).toContain('169.254.0.0/16');
    }
  });

  it('let in at Postgres and nats-server exactly who may reach them', () => {
    const named = (policy: Policy | undefined): readonly string[] =>
      policy?.spec.ingress?.[0]?.from?.[0]?.podSelector?.matchExpressions?.[0]?.values ?? [];
    const reaching = (what: 'bus' | 'log'): string[] =>
      PRINCIPALS.filter((principal) => (PRIVILEGES[principal].reaches as readonly string[]).includes(what)).map((principal) =>
        principal === 'provisioner' ? 'provision' : principal,
      );
    expect(named(policyOf('bus-clients'))).toEqual(reaching('bus'));
    expect(named(policies(logNetworkPolicy())[0])).toEqual(reaching('log'));
  });
});
