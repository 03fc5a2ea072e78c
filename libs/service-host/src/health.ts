/** Three questions an orchestrator asks: is it alive, has it started, may it be given work. Only the last looks at anything outside. */
import type { Answer } from './http-listener.ts';

export interface Health {
  /** Adds something that has to hold; `check` throws, or rejects, with the reason. */
  require(name: string, check: () => Promise<void> | void): void;
  /** Adds something whose absence keeps nobody's requests from being answered: it is named, and the service stays ready. */
  expect(name: string, check: () => Promise<void> | void): void;
  /** Something that people should know and that keeps nothing from being ready. */
  note(name: string, text: string): void;
  started(): void;
  /** Not ready from now on, for good. */
  stopping(): void;
  readiness(): Promise<{ readonly ready: boolean; readonly faults: Faults; readonly away: Faults }>;
  readonly operations: Readonly<Record<'/livez' | '/readyz' | '/startupz', () => Answer | Promise<Answer>>>;
}

type Faults = Readonly<Record<string, string>>;
type Checks = ReadonlyMap<string, () => Promise<void> | void>;

/** A probe that hangs tells an orchestrator less than one that says no. */
const CHECK_TIMEOUT_MS = 2_000;

const json = (status: number, body: object): Answer => ({
  status,
  content_type: 'application/json; charset=utf-8',
  body: JSON.stringify(body),
});

export function health(service: string, instance: string): Health {
  const required = new Map<string, () => Promise<void> | void>();
  const expected = new Map<string, () => Promise<void> | void>();
  const notes = new Map<string, string>();
  let state: 'starting' | 'started' | 'stopping' = 'starting';

  const readiness: Health['readiness'] = async () => {
    const [failing, away] = await Promise.all([faultsOf(required), faultsOf(expected)]);
    const faults = state === 'started' ? failing : { service: state, ...failing };
    return { ready: isEmpty(faults), faults, away };
  };
  return {
    require: (name, check) => void required.set(name, check),
    expect: (name, check) => void expected.set(name, check),
    note: (name, text) => void notes.set(name, text),
    started: () => {
      if (state === 'starting') state = 'started';
    },
    stopping: () => {
      state = 'stopping';
    },
    readiness,
    operations: {
      '/livez': () => json(200, { status: 'alive', service, instance }),
      '/startupz': () =>
        state === 'starting'
          ? json(503, { status: 'starting', service, instance })
          : json(200, { status: 'started', service, instance }),
      '/readyz': async () => {
        const { ready, faults, away } = await readiness();
        return json(ready ? 200 : 503, {
          status: ready ? 'ready' : 'not-ready',
          service,
          instance,
          not_ready: faults,
          ...(isEmpty(away) ? {} : { away }),
          ...(notes.size === 0 ? {} : { notes: Object.fromEntries(notes) }),
        });
      },
    },
  };
}

const isEmpty = (faults: Faults): boolean => Object.keys(faults).length === 0;

async function faultsOf(checks: Checks): Promise<Faults> {
  const asked = await Promise.all([...checks].map(async ([name, check]) => [name, await faultOf(check)] as const));
  return Object.fromEntries(asked.flatMap(([name, fault]) => (fault === null ? [] : [[name, fault]])));
}

async function faultOf(check: () => Promise<void> | void): Promise<string | null> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
  try {
    await Promise.race([check(), late]);
    return null;
  } catch (error) {
    return (error as Error).message || String(error);
  } finally {
    clearTimeout(timer);
  }
}
