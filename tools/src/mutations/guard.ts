/** A guard is a piece of source without which something that is promised would not hold, and the test that is red without it. */
export interface Guard {
  readonly name: string;
  readonly promise: keyof typeof PROMISES;
  readonly file: string;
  /** As it stands in the file, once. */
  readonly text: string;
  /** The same without the guard: it has to run, and be wrong in this one thing only. */
  readonly off: string;
  /** The spec file that is run. */
  readonly spec: string;
  /** The title of the test in it that has to fail, or a part of it, as it is written there; of a table of tests any one. */
  readonly test: string;
  /** A program without which the test does not exist on a machine. */
  readonly needs?: 'bwrap';
}

/** P: ARCHITECTURE.md. G: what follows from them in detail. */
export const PROMISES = {
  P1: 'Postgres is the record, NATS is transport',
  P2: 'one owner per stream, nobody forges history',
  P3: 'handling is idempotent',
  P5: 'effects are intent first',
  P6: 'nothing waits in silence',
  P7: 'done is observed, never declared',
  P8: 'people approve content, not names',
  P9: 'what lands is what was tested',
  G1: 'what was accepted survives any crash',
  G2: 'every event reaches every handler at least once',
  G4: 'one total order, per stream and over all',
  G5: 'a result is accepted from the current holder only',
  G7: 'hostile or broken input is refused by name, blocks its own stream only and is never dropped',
  G10: 'changes of history are detected',
  G12: 'nothing irreversible without a valid approval of exactly that content',
  G14: 'agents touch their worktree only; nothing they configure is executed',
  G15: 'no secret enters the record',
} as const;

/** Where tests stand that several spec files share. */
export const SUITES = 'libs/testing/src/suites';

/** Matches the names of the tests that a title, or a part of one, stands for: `%s` is whatever a table puts there. */
export const namesOf = (title: string): string =>
  title
    .split(/%[sdijo]/)
    .map(literally)
    .join('.*');
const literally = (text: string): string => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);

/** A file without its guard. Throws where the guard is not what the list says. */
export function withoutGuard({ name, file, text, off }: Guard, source: string): string {
  const times = source.split(text).length - 1;
  if (times !== 1)
    throw new Error(
      `guard moved: "${name}" is in ${file} ${times === 0 ? 'no more' : `${String(times)} times`}; write into its row in tools/src/mutations/guards what stands there now`,
    );
  if (text === off) throw new Error(`guard "${name}" is not switched off by its row: what takes its place is the same`);
  return source.replace(text, () => off);
}

/** What is wrong with the list itself, in sentences; `read` gives undefined for what is not there. */
export function faultsOf(
  guards: readonly Guard[],
  read: (path: string) => string | undefined,
  suites: readonly string[],
): readonly string[] {
  const names = guards.map(({ name }) => name);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  return [
    ...twice.map((name) => `two guards are called "${name}"`),
    ...guards.flatMap((guard) => {
      const source = read(guard.file);
      if (source === undefined) return [`guard moved: "${guard.name}" was in ${guard.file}, which is gone`];
      try {
        withoutGuard(guard, source);
        return [];
      } catch (error) {
        return [(error as Error).message];
      }
    }),
    ...guards.flatMap(({ name, spec, test }) => {
      const text = read(spec);
      if (text === undefined) return [`"${name}" is held by ${spec}, which is gone`];
      return [text, ...suites].some((source) => source.includes(test))
        ? []
        : [`"${name}" is held by the test "${test}", which is neither in ${spec} nor in ${SUITES}`];
    }),
  ];
}
