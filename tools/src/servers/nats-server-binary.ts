/** Which nats-server will do, and where it is published. */
import { type Program, findProgram } from './program.ts';
import type { Log } from './server-process.ts';

const RELEASE = '2.15.1';
const RELEASES = 'https://github.com/nats-io/nats-server/releases/download';
const MACHINES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', arm: 'arm7', ia32: '386' };

const NATS_SERVER: Program = {
  name: 'nats-server',
  variable: 'NATS_SERVER_BIN',
  version_args: ['--version'],
  // 2.10: streams that begin at a given sequence and consumers with several filters, on which the relay and the services rest.
  version_min: [2, 10],
  release: (system, machine) => {
    const name = `nats-server-v${RELEASE}-${system}-${MACHINES[machine]}`;
    if (!MACHINES[machine]) return undefined;
    const base = `${RELEASES}/v${RELEASE}`;
    return {
      version: RELEASE,
      url: `${base}/${name}.tar.gz`,
      checksums_url: `${base}/SHA256SUMS`,
      member: `${name}/nats-server`,
    };
  },
  debian_package: 'nats-server',
};

export interface FindNatsServer {
  readonly log: Log;
}

/** The path of a nats-server of at least 2.10, or an error that lists what was tried. */
export async function findNatsServer({ log }: FindNatsServer): Promise<string> {
  return findProgram(NATS_SERVER, log);
}
