/** What a kustomization of `deploy/kubernetes` renders to, and whether Kubernetes knows every field of it. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { parseAllDocuments } from 'yaml';

import { findKubectl } from '../servers/deploy-tools.ts';
import type { Log } from '../servers/server-process.ts';
import { DEPLOY } from './alerts.ts';

const run = promisify(execFile);
const ROOT = join(DEPLOY, '..');
const OUTPUT_BYTES_MAX = 50_000_000;

export type Labels = Readonly<Record<string, string>>;

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[];
  readonly envFrom?: readonly {
    readonly secretRef?: { readonly name: string };
    readonly configMapRef?: { readonly name: string };
  }[];
  readonly resources?: { readonly requests?: Labels; readonly limits?: Labels };
  readonly securityContext?: {
    readonly privileged?: boolean;
    readonly allowPrivilegeEscalation?: boolean;
    readonly readOnlyRootFilesystem?: boolean;
    readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] };
  };
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
}

export interface Probe {
  readonly httpGet?: { readonly path: string };
  readonly exec?: object;
  readonly tcpSocket?: object;
}

export interface Pod {
  readonly metadata?: { readonly labels?: Labels; readonly annotations?: Labels };
  readonly spec: {
    readonly serviceAccountName?: string;
    readonly automountServiceAccountToken?: boolean;
    readonly terminationGracePeriodSeconds?: number;
    readonly hostNetwork?: boolean;
    readonly hostPID?: boolean;
    readonly securityContext?: {
      readonly runAsNonRoot?: boolean;
      readonly runAsUser?: number;
      readonly seccompProfile?: { readonly type: string };
    };
    readonly topologySpreadConstraints?: readonly { readonly labelSelector?: { readonly matchLabels?: Labels } }[];
    readonly containers: readonly Container[];
    readonly volumes?: readonly Readonly<Record<string, unknown>>[];
  };
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Labels };
  readonly data?: Labels;
  readonly spec?: {
    readonly template?: Pod;
    readonly selector?: { readonly matchLabels?: Labels };
    readonly podSelector?: { readonly matchLabels?: Labels };
    readonly policyTypes?: readonly string[];
    readonly ingress?: readonly object[];
    readonly egress?: readonly object[];
  };
}

/** As `kubectl apply -k` would send it. */
export async function render(kustomization: string, log: Log): Promise<readonly Manifest[]> {
  const { stdout } = await run(await findKubectl(log), ['kustomize', join(DEPLOY, 'kubernetes', kustomization)], {
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  return parseAllDocuments(stdout).map((document) => {
    if (document.errors.length > 0)
      throw new Error(`${kustomization} renders to what is not YAML: ${document.errors.join('; ')}`);
    return document.toJS() as Manifest;
  });
}

const GROUPS: Readonly<Record<string, string>> = {
  batch: 'batch',
  apps: 'apps',
  policy: 'policy',
  'networking.k8s.io': 'networking.k8s.io',
};

function modelOf({ apiVersion, kind }: Manifest): string {
  const [group = '', version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const folder = group === '' ? version : `${GROUPS[group]}/${version}`;
  if (group !== '' && GROUPS[group] === undefined) throw new Error(`${apiVersion} ${kind}: there is no schema of it here`);
  return `kubernetes-models/${folder}/${kind}`;
}

/** Types, required fields, formats: by Kubernetes' own schema. */
export async function schemaFaults(manifest: Manifest): Promise<readonly string[]> {
  const module = (await import(modelOf(manifest))) as Readonly<Record<string, new (data: Manifest) => { validate(): void }>>;
  const Model = module[manifest.kind];
  if (Model === undefined) throw new Error(`${modelOf(manifest)} has no ${manifest.kind}`);
  try {
    new Model(manifest).validate();
    return [];
  } catch (error) {
    return [`${manifest.kind} ${manifest.metadata.name}: ${(error as Error).message}`];
  }
}

/**
 * Fields that Kubernetes does not know. Its schemas allow them (a server drops them without a word), so the compiler is asked:
 * an object literal with a field that its type does not have is an error.
 */
export async function unknownFields(manifests: readonly Manifest[]): Promise<readonly string[]> {
  // Inside the repository, so that the types are found.
  const cache = join(ROOT, '.cache');
  await mkdir(cache, { recursive: true });
  const directory = await mkdtemp(join(cache, 'manifests-'));
  try {
    const lines = manifests.map((manifest, index) => {
      const type = `import('${modelOf(manifest)}').I${manifest.kind}`;
      return `export const manifest${index}: ${type} = ${JSON.stringify(manifest)};`;
    });
    await writeFile(join(directory, 'manifests.ts'), lines.join('\n'));
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const options = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--module',
      'nodenext',
      '--target',
      'es2024',
      '--types',
      '',
      '--pretty',
      'false',
      '--ignoreConfig',
    ];
    return await run(process.execPath, [compiler, ...options, join(directory, 'manifests.ts')], { cwd: directory }).then(
      () => [],
      ({ stdout }: { stdout: string }) =>
        stdout
          .trim()
          .split('\n')
          .map((line) => located(line, manifests)),
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** `manifests.ts(3,120): error …` → which manifest it is about. */
function located(line: string, manifests: readonly Manifest[]): string {
  const manifest = manifests[Number(/\((\d+),\d+\)/.exec(line)?.[1]) - 1];
  return manifest ? `${manifest.kind} ${manifest.metadata.name}: ${line.replace(/^.*?: error /, '')}` : line;
}
