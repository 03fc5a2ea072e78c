/** What every rendered overlay has to keep, as a table: a name, and the sentences it answers with where it is broken. */
import type { Container, Manifest, Pod } from './manifests.ts';

export interface Policy {
  readonly rule: string;
  readonly faults: (manifests: readonly Manifest[]) => readonly string[];
}

interface Workload {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly pod: Pod;
}

const UNPRIVILEGED_ID_MIN = 1;
const DRAIN_GRACE_MS_DEFAULT = 25_000;
const RUNNING = ['Deployment', 'StatefulSet'];
const PINNED = /:(?!latest$)[\w][\w.-]*$|@sha256:[0-9a-f]{64}$/;
const ALLOWED_VOLUMES = ['emptyDir', 'configMap', 'secret', 'projected', 'persistentVolumeClaim', 'downwardAPI'];

function workloads(manifests: readonly Manifest[]): readonly Workload[] {
  return manifests.flatMap(({ kind, metadata: { name }, spec }) =>
    spec?.template ? [{ id: `${kind} ${name}`, name, kind, pod: spec.template }] : [],
  );
}

const eachPod =
  (broken: (pod: Pod, workload: Workload) => boolean) =>
  (manifests: readonly Manifest[]): readonly string[] =>
    workloads(manifests)
      .filter((workload) => broken(workload.pod, workload))
      .map(({ id }) => id);

const eachContainer =
  (broken: (container: Container, workload: Workload) => boolean) =>
  (manifests: readonly Manifest[]): readonly string[] =>
    workloads(manifests).flatMap((workload) =>
      workload.pod.spec.containers.filter((container) => broken(container, workload)).map(({ name }) => `${workload.id}/${name}`),
    );

const isService = ({ kind, name }: Workload): boolean => kind === 'Deployment' && name.startsWith('baton-');
const selects = (selector: Readonly<Record<string, string>> | undefined, pod: Pod): boolean =>
  Object.entries(selector ?? {}).every(([key, value]) => pod.metadata?.labels?.[key] === value);
const ofKind = (manifests: readonly Manifest[], kind: string): readonly Manifest[] =>
  manifests.filter((manifest) => manifest.kind === kind);

function drainGraceMs(container: Container, manifests: readonly Manifest[]): number {
  const own = container.env?.find(({ name }) => name === 'BATON_DRAIN_GRACE_MS')?.value;
  const settings = container.envFrom?.map(
    ({ configMapRef }) =>
      manifests.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === configMapRef?.name)?.data
        ?.BATON_DRAIN_GRACE_MS,
  );
  return Number(own ?? settings?.find((value) => value !== undefined) ?? DRAIN_GRACE_MS_DEFAULT);
}

export const POLICIES: readonly Policy[] = [
  {
    rule: 'runs as a numeric user that is not root',
    faults: eachPod(
      ({ spec: { securityContext } }) =>
        securityContext?.runAsNonRoot !== true || !((securityContext.runAsUser ?? 0) >= UNPRIVILEGED_ID_MIN),
    ),
  },
  {
    rule: 'has the default seccomp profile',
    faults: eachPod(({ spec: { securityContext } }) => securityContext?.seccompProfile?.type !== 'RuntimeDefault'),
  },
  {
    rule: 'shares nothing with its host',
    faults: eachPod(
      ({ spec }) =>
        spec.hostNetwork === true ||
        spec.hostPID === true ||
        (spec.volumes ?? []).some((volume) => !ALLOWED_VOLUMES.some((kind) => kind in volume)),
    ),
  },
  {
    rule: 'has an account of its own without a token',
    faults: eachPod(({ spec }) => spec.automountServiceAccountToken !== false || !spec.serviceAccountName),
  },
  {
    rule: 'cannot gain privileges',
    faults: eachContainer(
      ({ securityContext }) =>
        securityContext?.allowPrivilegeEscalation !== false ||
        securityContext.privileged === true ||
        !securityContext.capabilities?.drop?.includes('ALL') ||
        (securityContext.capabilities.add ?? []).length > 0,
    ),
  },
  {
    rule: 'cannot write to its image',
    faults: eachContainer(({ securityContext }) => securityContext?.readOnlyRootFilesystem !== true),
  },
  { rule: 'is of a named version', faults: eachContainer(({ image }) => !PINNED.test(image)) },
  {
    rule: 'asks for CPU and memory, and has a limit of memory',
    faults: eachContainer(
      ({ resources }) => !resources?.requests?.cpu || !resources.requests.memory || !resources.limits?.memory,
    ),
  },
  {
    rule: 'never throttles the relay',
    faults: eachContainer(({ resources }, { name }) => name === 'baton-relay' && resources?.limits?.cpu !== undefined),
  },
  {
    rule: 'has the three probes',
    faults: eachContainer((container, workload) => {
      if (!RUNNING.includes(workload.kind)) return false;
      const probes = [container.startupProbe, container.livenessProbe, container.readinessProbe];
      const paths = probes.map((probe) => probe?.httpGet?.path);
      return isService(workload) ? paths.join() !== '/startupz,/livez,/readyz' : probes.includes(undefined);
    }),
  },
  {
    rule: 'has no secret in it',
    faults: (manifests) => [
      ...ofKind(manifests, 'Secret').map(({ metadata }) => `Secret ${metadata.name}`),
      ...eachContainer(({ env }) =>
        (env ?? []).some(({ name, value }) => value !== undefined && /SEED|PASSWORD|TOKEN|_PG_.*URL/.test(name)),
      )(manifests),
    ],
  },
  {
    rule: 'takes the secrets of itself and of nobody else',
    faults: eachContainer(
      ({ envFrom }, workload) =>
        isService(workload) && (envFrom ?? []).flatMap(({ secretRef }) => secretRef?.name ?? []).join() !== workload.name,
    ),
  },
  {
    rule: 'is given time to finish what it does',
    faults: (manifests) =>
      eachContainer(
        (container, workload) =>
          isService(workload) &&
          (workload.pod.spec.terminationGracePeriodSeconds ?? 0) * 1_000 <= drainGraceMs(container, manifests),
      )(manifests),
  },
  {
    rule: 'is spread over machines',
    faults: eachPod(
      ({ spec, metadata }, workload) =>
        isService(workload) &&
        !(spec.topologySpreadConstraints ?? []).some(
          ({ labelSelector }) =>
            labelSelector?.matchLabels?.['app.kubernetes.io/name'] === metadata?.labels?.['app.kubernetes.io/name'],
        ),
    ),
  },
  {
    rule: 'has a disruption budget that counts it alone',
    faults: (manifests) => {
      const budgets = ofKind(manifests, 'PodDisruptionBudget').map(({ spec }) => spec?.selector?.matchLabels);
      const all = workloads(manifests);
      return all
        .filter(isService)
        .filter(({ pod }) => {
          const mine = budgets.filter((selector) => selects(selector, pod));
          return mine.length !== 1 || all.filter((other) => selects(mine[0], other.pod)).length !== 1;
        })
        .map(({ id }) => id);
    },
  },
  {
    rule: 'can be scraped',
    faults: eachPod(
      ({ metadata }, workload) =>
        isService(workload) &&
        (metadata?.annotations?.['prometheus.io/scrape'] !== 'true' ||
          metadata.labels?.['app.kubernetes.io/part-of'] !== 'baton'),
    ),
  },
  {
    rule: 'lets nothing in or out that is not named',
    faults: (manifests) => {
      const denies = ofKind(manifests, 'NetworkPolicy').filter(
        ({ spec }) =>
          Object.keys(spec?.podSelector ?? {}).length === 0 &&
          ['Ingress', 'Egress'].every((type) => spec?.policyTypes?.includes(type)) &&
          !spec?.ingress &&
          !spec?.egress,
      );
      return denies.length === 1 ? [] : [`${denies.length} policies that deny everything`];
    },
  },
  {
    rule: 'opens no network policy to everybody',
    faults: (manifests) =>
      ofKind(manifests, 'NetworkPolicy')
        .filter(({ spec }) =>
          [...(spec?.ingress ?? []), ...(spec?.egress ?? [])].some(
            (entry) => !('ports' in entry) || !('from' in entry || 'to' in entry),
          ),
        )
        .map(({ metadata }) => `NetworkPolicy ${metadata.name}`),
  },
  {
    rule: 'lives in the namespace of Baton',
    faults: (manifests) =>
      manifests
        .filter(({ kind, metadata }) => kind !== 'Namespace' && metadata.namespace !== 'baton')
        .map(({ kind, metadata }) => `${kind} ${metadata.name}`),
  },
  {
    rule: 'enforces the restricted standard on the namespace',
    faults: (manifests) =>
      ofKind(manifests, 'Namespace').some(
        ({ metadata }) => metadata.labels?.['pod-security.kubernetes.io/enforce'] === 'restricted',
      )
        ? []
        : ['Namespace'],
  },
];

export const policyFaults = (manifests: readonly Manifest[]): readonly string[] =>
  POLICIES.flatMap(({ rule, faults }) => faults(manifests).map((fault) => `${rule}: not so for ${fault}`));
