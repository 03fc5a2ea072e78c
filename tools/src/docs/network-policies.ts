// The Kubernetes network policies: nothing reaches anything, in or out, but what the matrix of the contracts names.
import { PRINCIPALS, PRIVILEGES, SERVICE_NAMES, type Principal, type Privileges } from '@baton/contracts';

const HTTP_PORT = 8080;
const BUS_PORT = 4222;
const LOG_PORT = 5432;
const TRACES_PORT = 4318;

const HEAD = `# Generated from libs/contracts/src/services.ts: \`npm run docs\` writes it, \`npm run verify\` fails when it has drifted.
`;

/** Pods by name; the job that provisions is named for what it does. */
const podsOf = (principal: Principal): string => (principal === 'provisioner' ? 'provision' : principal);
const labelled = (key: string): string => `namespaceSelector: { matchLabels: { baton/${key}: 'true' } }`;
const tcp = (...ports: readonly number[]): string =>
  ports.map((port) => `\n        - { port: ${String(port)}, protocol: TCP }`).join('');

const DESTINATIONS: Readonly<Record<Privileges['reaches'][number], string>> = {
  bus: `    - to:
        - podSelector: { matchLabels: { app.kubernetes.io/name: nats } }
      ports:${tcp(BUS_PORT)}`,
  log: `    # Wherever Postgres is: in this cluster or outside of it. An overlay may narrow it to one address.
    - to:
        - ipBlock: { cidr: 0.0.0.0/0 }
      ports:${tcp(LOG_PORT)}`,
  traces: `    - to:
        - ${labelled('monitoring')}
      ports:${tcp(TRACES_PORT)}`,
  repositories: `    # Clones and pushes: HTTPS and SSH, but not to this machine's neighbours and not to a cloud's metadata.
    - to:
        - ipBlock:
            cidr: 0.0.0.0/0
            except: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16, 127.0.0.0/8]
      ports:${tcp(443, 22)}`,
};

const SOURCES: Readonly<Record<Privileges['serves'][number], string>> = {
  clients: labelled('client'),
  monitoring: labelled('monitoring'),
};

const policy = (name: string, spec: string): string => `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: ${name}
spec:
${spec}`;

const FOR_ALL = [
  policy('default-deny', '  podSelector: {}\n  policyTypes: [Ingress, Egress]\n'),
  policy(
    'allow-dns',
    `  podSelector: {}
  policyTypes: [Egress]
  egress:
    - to:
        - namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: kube-system } }
          podSelector: { matchLabels: { k8s-app: kube-dns } }
      ports:
        - { port: 53, protocol: UDP }
        - { port: 53, protocol: TCP }
`,
  ),
];

function ofPods(principal: Principal): string {
  const { reaches, serves } = PRIVILEGES[principal];
  const types = serves.length > 0 ? '[Ingress, Egress]' : '[Egress]';
  const ingress = serves.map((source) => `    - from:\n        - ${SOURCES[source]}\n      ports:${tcp(HTTP_PORT)}\n`).join('');
  return policy(
    `allow-${podsOf(principal)}`,
    `  podSelector: { matchLabels: { app.kubernetes.io/name: ${podsOf(principal)} } }
  policyTypes: ${types}
${serves.length > 0 ? `  ingress:\n${ingress}` : ''}  egress:
${reaches.map((to) => `${DESTINATIONS[to]}\n`).join('')}`,
  );
}

/** The other end: only those who may reach it are let in. */
function clientsOf(name: string, target: string, reached: Privileges['reaches'][number], port: number): string {
  const pods = PRINCIPALS.filter((principal) => PRIVILEGES[principal].reaches.includes(reached)).map(podsOf);
  return policy(
    name,
    `  podSelector: { matchLabels: { app.kubernetes.io/name: ${target} } }
  policyTypes: [Ingress]
  ingress:
    - from:
        - podSelector:
            matchExpressions:
              - key: app.kubernetes.io/name
                operator: In
                values: [${pods.join(', ')}]
      ports:${tcp(port)}
`,
  );
}

/** Of everything but Postgres, which may be elsewhere. */
export const networkPolicies = (): string =>
  HEAD +
  [
    ...FOR_ALL,
    ...[...SERVICE_NAMES, 'provisioner' as const].map(ofPods),
    clientsOf('allow-bus-clients', 'nats', 'bus', BUS_PORT),
  ].join('---\n');

export const logNetworkPolicy = (): string => HEAD + clientsOf('allow-log-clients', 'postgres', 'log', LOG_PORT);
