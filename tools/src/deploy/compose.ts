/** docker-compose.yml as data, its variables filled in, and what is wrong with it as far as can be seen without starting it. */
import { parse } from 'yaml';

export interface ComposeService {
  readonly image?: string;
  readonly build?: { readonly dockerfile: string; readonly target: string; readonly args: { readonly SERVICE: string } };
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly networks?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly restart?: string;
  readonly stop_grace_period?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
}

export interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, unknown>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

/** As compose reads it: merge keys resolved, `${NAME:-default}` and `${NAME:?message}` from `env`. */
export function readCompose(text: string, env: Readonly<Record<string, string>>): Compose {
  const filled = text.replaceAll(
    /\$\{(\w+)(?:(:-|:\?)([^}]*))?\}/g,
    (_whole, name: string, operator: string | undefined, rest: string | undefined) => {
      const value = env[name];
      if (value) return value;
      if (operator === ':-') return rest ?? '';
      throw new Error(`docker-compose.yml needs ${name}, which make-secrets.ts does not make`);
    },
  );
  return parse(filled, { merge: true }) as Compose;
}

const ONE_SHOT = 'provision';
const PINNED = /:\d+(\.\d+)+(-[\w.]+)?$|:v\d+(\.\d+)+$/;

export function composeFaults({ services, networks, volumes }: Compose, exists: (path: string) => boolean): readonly string[] {
  return Object.entries(services).flatMap(([name, service]) => {
    const faults: string[] = [];
    const say = (fault: string): void => void faults.push(`${name}: ${fault}`);
    if (!PINNED.test(service.image ?? '')) say(`image ${service.image}: name an exact version`);
    for (const port of service.ports ?? []) if (!port.startsWith('127.0.0.1:')) say(`port ${port}: bind it to 127.0.0.1`);
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      if (!services[other]) say(`depends on ${other}, which is not there`);
      else if (condition === 'service_healthy' && !services[other].healthcheck)
        say(`waits for ${other} to be healthy, and nobody asks whether it is`);
    }
    for (const network of service.networks ?? ['default']) if (!(network in networks)) say(`network ${network} is not there`);
    for (const volume of service.volumes ?? []) {
      const [source = ''] = volume.split(':');
      if (source.startsWith('./') ? !exists(source) : !(source in volumes)) say(`volume ${source} is not there`);
    }
    if (name !== ONE_SHOT) {
      if (!service.healthcheck) say('give it a healthcheck');
      if (service.restart !== 'unless-stopped') say('has to come back after a crash (restart: unless-stopped)');
      if (!service.stop_grace_period) say('give it time to stop (stop_grace_period)');
    }
    if (service.build) {
      if (!exists(service.build.dockerfile)) say(`${service.build.dockerfile} is not there`);
      if (service.image?.split(':')[0] !== `baton/${service.build.args.SERVICE}`)
        say(`builds ${service.build.args.SERVICE} and calls it ${service.image}`);
      if (!service.read_only || !service.cap_drop?.includes('ALL')) say('has to run read only and without capabilities');
    }
    return faults;
  });
}
