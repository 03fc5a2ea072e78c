/** A Dockerfile as stages of instructions, and what is wrong with it as far as can be seen without building it. */

export interface Instruction {
  readonly word: string;
  readonly rest: string;
}

export interface Stage {
  readonly name: string;
  readonly from: string;
  readonly instructions: readonly Instruction[];
}

export function stagesOf(text: string): readonly Stage[] {
  const instructions = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .flatMap((line) => {
      const [, word, rest] = /^\s*([A-Z]+)\s+(.*)$/.exec(line) ?? [];
      return word === undefined || rest === undefined ? [] : [{ word, rest: rest.trim() }];
    });
  const args = new Map<string, string>();
  const stages: { name: string; from: string; instructions: Instruction[] }[] = [];
  for (const instruction of instructions) {
    const stage = stages.at(-1);
    if (instruction.word === 'FROM') {
      const [, image = '', name = ''] = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(instruction.rest) ?? [];
      const from = image.replaceAll(/\$\{(\w+)\}/g, (whole, arg: string) => args.get(arg) ?? whole);
      stages.push({ name, from, instructions: [] });
    } else if (stage === undefined || (instruction.word === 'ARG' && stages.length === 0)) {
      const [name = '', value] = instruction.rest.split('=');
      if (value !== undefined) args.set(name, value);
    } else stage.instructions.push(instruction);
  }
  return stages;
}

export interface Surroundings {
  /** Services and the command line: what `--build-arg SERVICE` may be. */
  readonly images: readonly string[];
  /** Which of them start git. */
  readonly with_git: readonly string[];
  readonly exists: (path: string) => boolean;
}

const NUMERIC_USER = /^([1-9]\d*):([1-9]\d*)$/;
const PINNED = /^node:\d+\.\d+\.\d+-bookworm-slim$/;

export function dockerfileFaults(text: string, { images, with_git, exists }: Surroundings): readonly string[] {
  const stages = stagesOf(text);
  const named = new Map(stages.map((stage) => [stage.name, stage]));
  const chain = (stage: Stage | undefined): readonly Stage[] => (stage ? [stage, ...chain(named.get(stage.from))] : []);
  const has = (stage: Stage, word: string): Instruction | undefined =>
    stage.instructions.find((instruction) => instruction.word === word);
  const faults: string[] = [];

  for (const { from } of stages) {
    if (!named.has(from) && !from.includes('${SERVICE}') && !PINNED.test(from))
      faults.push(`FROM ${from}: name an exact version of node, bookworm-slim`);
  }
  for (const stage of stages) {
    for (const { word, rest } of stage.instructions) {
      if (word === 'ADD') faults.push(`ADD ${rest}: use COPY, which fetches and unpacks nothing`);
      if (word === 'COPY') faults.push(...copyFaults(rest, named, exists));
    }
  }
  for (const image of images) {
    const system = chain(named.get(`system-${image}`));
    if (system.length === 0) faults.push(`there is no stage system-${image}: say what ${image} needs of the system`);
    const installed = system.flatMap(({ instructions }) => instructions.map(({ rest }) => rest)).join(' ');
    if (system.length > 0 && /\bgit\b/.test(installed) !== with_git.includes(image))
      faults.push(`system-${image}: git has to be there exactly where it is used (${with_git.join(', ')})`);
  }
  for (const { name } of stages.filter((stage) => stage.name.startsWith('system-'))) {
    if (!images.includes(name.slice('system-'.length))) faults.push(`${name} is the system of no service`);
  }
  const runtime = named.get('runtime');
  if (!NUMERIC_USER.test((runtime && has(runtime, 'USER')?.rest) ?? ''))
    faults.push(
      'USER of the stage runtime: give numbers above 0 for user and group, so that a cluster can see that it is not root',
    );
  if (!(runtime && has(runtime, 'LABEL')?.rest.includes('org.opencontainers.image.revision')))
    faults.push('LABEL: give the OCI labels title, version and revision');
  for (const target of ['service', 'cli']) {
    const entry = named.get(target) && has(named.get(target)!, 'ENTRYPOINT')?.rest;
    if (!entry?.startsWith('["node",'))
      faults.push(`ENTRYPOINT of ${target}: start node itself as a list; a shell would swallow the signal to stop`);
  }
  const service = named.get('service');
  if (stages.at(-1) !== service) faults.push('the last stage has to be service: it is what is built when nobody says which');
  if (!(service && has(service, 'HEALTHCHECK')?.rest.includes('/readyz'))) faults.push('HEALTHCHECK: ask /readyz');
  if (!/npm ci [^\n]*--omit=dev/.test(text))
    faults.push('npm ci --omit=dev is missing: images hold what runs, and nothing that builds or tests');
  return faults;
}

function copyFaults(rest: string, named: ReadonlyMap<string, Stage>, exists: (path: string) => boolean): readonly string[] {
  const words = rest.split(/\s+/);
  const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
  if (from !== undefined) return named.has(from) ? [] : [`COPY --from=${from}: there is no such stage`];
  const sources = words.filter((word) => !word.startsWith('--')).slice(0, -1);
  return sources
    .filter((source) => !exists(source))
    .map((source) => `COPY ${source}: there is no such path, or .dockerignore keeps it out`);
}

/** Whether a path at the root of the context gets into it; for a file that begins with `*` and lists what is let in. */
export const isInContext = (dockerignore: string, path: string): boolean => dockerignore.split('\n').includes(`!${path}`);
