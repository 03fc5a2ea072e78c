/** The programs with which `deploy/` is checked: what a cluster and a monitoring system would make of it, without either. */
import { type Program, findProgram } from './program.ts';
import type { Log } from './server-process.ts';

const MACHINES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

const PROMETHEUS_RELEASE = '3.5.0';
const PROMETHEUS_RELEASES = 'https://github.com/prometheus/prometheus/releases/download';
const KUBECTL_RELEASE = '1.34.1';
const KUBECTL_RELEASES = 'https://dl.k8s.io/release';

const ofPrometheus = (name: 'prometheus' | 'promtool', variable: string): Program => ({
  name,
  variable,
  version_args: ['--version'],
  version_min: [2, 42],
  release: (system, machine) => {
    if (!MACHINES[machine]) return undefined;
    const archive = `prometheus-${PROMETHEUS_RELEASE}.${system}-${MACHINES[machine]}`;
    const base = `${PROMETHEUS_RELEASES}/v${PROMETHEUS_RELEASE}`;
    return {
      version: PROMETHEUS_RELEASE,
      url: `${base}/${archive}.tar.gz`,
      checksums_url: `${base}/sha256sums.txt`,
      member: `${archive}/${name}`,
    };
  },
  debian_package: name,
});

const KUBECTL: Program = {
  name: 'kubectl',
  variable: 'KUBECTL_BIN',
  version_args: ['version', '--client'],
  // 1.27 brings kustomize 5, whose `labels` and `replacements` the manifests are written with.
  version_min: [1, 27],
  release: (system, machine) => {
    if (!MACHINES[machine]) return undefined;
    const url = `${KUBECTL_RELEASES}/v${KUBECTL_RELEASE}/bin/${system}/${MACHINES[machine]}/kubectl`;
    return { version: KUBECTL_RELEASE, url, checksums_url: `${url}.sha256`, member: null };
  },
  debian_package: 'kubectl',
};

export const findPrometheus = (log: Log): Promise<string> => findProgram(ofPrometheus('prometheus', 'PROMETHEUS_BIN'), log);
export const findPromtool = (log: Log): Promise<string> => findProgram(ofPrometheus('promtool', 'PROMTOOL_BIN'), log);
export const findKubectl = (log: Log): Promise<string> => findProgram(KUBECTL, log);
