/**
 * Reads an entry contract and names everything that is wrong with it at once: shape first, then what a shape cannot say
 * (a criterion nobody can check, a goal that is also a non-goal). No model is asked.
 */
import {
  CONTRACT_BYTES_MAX,
  isOwnVariable,
  jsonBytes,
  missionContractSchema,
  pathPatternSchema,
  patternFault,
  type Fault,
  type MissionContract,
} from '@baton/contracts';
import type { z } from 'zod';

export type ReadContract = { readonly contract: MissionContract } | { readonly faults: readonly Fault[] };

const FAULTS_MAX = 100;
/** Names come from the body: a hundred faults, escaped as JSON, have to fit into one event. */
const SHOWN_CHARS_MAX = 200;
const shown = (text: string): string => (text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX - 1)}…`);

export function readContract(body: unknown): ReadContract {
  const parsed = missionContractSchema.safeParse(body);
  const shape = parsed.success ? [] : parsed.error.issues.flatMap(faultsOf);
  const size = parsed.success ? tooLarge(parsed.data) : [];
  const faults = [...shape, ...size, ...RULES.flatMap((rule) => rule(loose(body)))];
  if (parsed.success && faults.length === 0) return { contract: parsed.data };
  return { faults: faults.slice(0, FAULTS_MAX) };
}

/** Each field may be as long as it may be; together they have to fit beside a change. */
function tooLarge(contract: MissionContract): Fault[] {
  const bytes = jsonBytes(contract);
  if (bytes <= CONTRACT_BYTES_MAX) return [];
  const sizes = Object.entries(contract).map(([field, value]) => ({ field, bytes: jsonBytes(value) }));
  const largest = sizes.reduce((most, one) => (one.bytes > most.bytes ? one : most));
  return [
    {
      field: largest.field,
      problem: `makes the mission too large: it has ${largest.bytes} of ${bytes} bytes, and a mission at most ${CONTRACT_BYTES_MAX}`,
      fix: 'shorten it; put what is long into a file of the repository and name that',
    },
  ];
}

const fieldOf = (path: readonly PropertyKey[]): string =>
  path.length === 0
    ? '(the whole document)'
    : shown(
        path
          .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
          .join('')
          .replace(/^\./, ''),
      );

function faultsOf(issue: z.core.$ZodIssue): Fault[] {
  const field = fieldOf(issue.path);
  switch (issue.code) {
    case 'invalid_type':
      if (issue.message.includes('received undefined'))
        return [{ field, problem: 'is missing', fix: `add it: ${aWord(issue.expected)}` }];
      return [{ field, problem: `is not ${aWord(issue.expected)}`, fix: `write ${aWord(issue.expected)}` }];
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        field: fieldOf([...issue.path, key]),
        problem: 'is not a field of a mission',
        fix: 'remove it, or correct its name',
      }));
    case 'invalid_value':
      return [{ field, problem: 'has a value that is not allowed', fix: `use one of: ${issue.values.map(String).join(', ')}` }];
    case 'too_small':
      return [
        {
          field,
          problem: 'is too short or too small',
          fix: `give at least ${String(issue.minimum)}${issue.origin === 'array' ? ' entries' : issue.origin === 'string' ? ' character(s)' : ''}`,
        },
      ];
    case 'too_big':
      return [
        {
          field,
          problem: 'is too long or too large',
          fix: `give at most ${String(issue.maximum)}${issue.origin === 'array' ? ' entries' : issue.origin === 'string' ? ' characters' : ''}`,
        },
      ];
    case 'invalid_union':
      return [
        {
          field,
          problem: 'fits none of the allowed forms',
          fix: 'discriminator' in issue ? 'use runtime "command" or "scripted"' : 'see the fields of a mission in the README',
        },
      ];
    default:
      return [{ field, problem: 'has a form that is not allowed', fix: issue.message }];
  }
}

const aWord = (expected: string): string => (/^[aeiou]/.test(expected) ? `an ${expected}` : `a ${expected}`);

type Loose = { readonly [key: string]: unknown };
const loose = (value: unknown): Loose =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Loose) : {};
const listed = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const criteriaOf = (contract: Loose): readonly Loose[] => listed(contract['criteria']).map(loose);
const same = (a: unknown, b: unknown): boolean =>
  typeof a === 'string' && typeof b === 'string' && a.trim().toLowerCase() === b.trim().toLowerCase();

/** What the shape allows and yet makes no sense. Each looks at the raw body, so that it speaks up beside faults of shape. */
const RULES: readonly ((contract: Loose) => readonly Fault[])[] = [
  function everyCriterionIsItsOwnAndCanBeMeasured(contract) {
    const seen = new Set<unknown>();
    return criteriaOf(contract).flatMap((criterion, index) => {
      const { id, check } = criterion;
      const faults: Fault[] = [];
      if (typeof id === 'string' && seen.has(id))
        faults.push({
          field: `criteria[${index}].id`,
          problem: `"${shown(id)}" is used twice`,
          fix: 'give every criterion its own id',
        });
      seen.add(id);
      if (contract['repository'] !== undefined && check === undefined && id !== undefined)
        faults.push({
          field: `criteria[${index}].check`,
          problem: 'nobody can measure it',
          fix: 'add check.run: a command whose exit code 0 means that the criterion holds',
        });
      const inside = loose(check)['in'];
      if (typeof inside === 'string' && inside.split('/').includes('..'))
        faults.push({
          field: `criteria[${index}].check.in`,
          problem: `"${shown(inside)}" leads out of the repository`,
          fix: 'name a directory relative to the repository root, without ".."',
        });
      const [program] = listed(loose(check)['run']);
      // Such a check runs beside one file, `output`: what it names can never be there, whatever an agent answers.
      if (contract['repository'] === undefined && typeof inside === 'string')
        faults.push({
          field: `criteria[${index}].check.in`,
          problem: 'names a directory, and a mission without a repository has none',
          fix: 'leave it out: the check runs where the answer is, in the file "output"',
        });
      if (
        contract['repository'] === undefined &&
        typeof program === 'string' &&
        program.includes('/') &&
        !program.startsWith('/')
      )
        faults.push({
          field: `criteria[${index}].check.run[0]`,
          problem: `"${shown(program)}" is a path into a repository, and this mission has none`,
          fix: 'name a program that is installed where checks run, by its name alone or by its whole path',
        });
      return faults;
    });
  },
  function noGoalIsAlsoANonGoal(contract) {
    const goals = [contract['objective'], contract['title'], ...criteriaOf(contract).map(({ statement }) => statement)];
    return listed(contract['non_goals']).flatMap((nonGoal, index) =>
      goals.some((goal) => same(goal, nonGoal))
        ? {
            field: `non_goals[${index}]`,
            problem: 'contradicts the contract: it is also a goal or a criterion',
            fix: 'remove it from one of the two',
          }
        : [],
    );
  },
  function nothingIncludedIsExcluded(contract) {
    const { include, exclude } = loose(contract['scope']);
    return listed(exclude).flatMap((path, index) =>
      listed(include).some((included) => same(included, path))
        ? {
            field: `scope.exclude[${index}]`,
            problem: 'excludes what scope.include includes',
            fix: 'remove it from one of the two',
          }
        : [],
    );
  },
  function everyPatternSaysOneThing(contract) {
    const scope = loose(contract['scope']);
    return ['include', 'exclude'].flatMap((list) =>
      listed(scope[list]).flatMap((pattern, index) => {
        const read = pathPatternSchema.safeParse(pattern);
        const fault = read.success ? patternFault(read.data) : null;
        return fault ? [{ field: `scope.${list}[${index}]`, ...fault }] : [];
      }),
    );
  },
  function noAgentGetsOurOwnCredentials(contract) {
    return listed(loose(contract['agent'])['environment']).flatMap((name, index) =>
      typeof name === 'string' && isOwnVariable(name)
        ? {
            field: `agent.environment[${index}]`,
            problem: `"${shown(name)}" is one of Baton's own variables, and no agent gets those`,
            fix: 'remove it; where the agent needs a value of its own, put that under another name into the environment of the executor',
          }
        : [],
    );
  },
  function noUrlHoldsASecret(contract) {
    const { url } = loose(contract['repository']);
    if (typeof url !== 'string' || !url.includes('://')) return [];
    const read = URL.parse(url.trim());
    const field = 'repository.url';
    if (read === null) return [{ field, problem: 'is not a URL that can be read', fix: 'correct it, or give a local path' }];
    const knows = 'use an ssh URL and a key, or name a program that knows it in GIT_ASKPASS of executor and release';
    if (read.password !== '')
      return [
        {
          field,
          problem: 'holds a password, and everything in a contract is kept in the record for ever',
          fix: `take it out (and change it, it was sent around): ${knows}`,
        },
      ];
    // Several hosts take a token in the place of the name.
    if (read.username === '' || !/^https?:$/.test(read.protocol)) return [];
    return [
      {
        field,
        problem:
          'names somebody before the @, where a token may stand, and everything in a contract is kept in the record for ever',
        fix: `take out what stands before the @ (and change it, if it was a token): ${knows}`,
      },
    ];
  },
  function oneRunFitsIntoTheMission(contract) {
    const { run_ms_max, mission_ms_max } = loose(contract['budgets']);
    if (typeof run_ms_max !== 'number' || typeof mission_ms_max !== 'number' || run_ms_max <= mission_ms_max) return [];
    return [
      {
        field: 'budgets.run_ms_max',
        problem: 'one run may take longer than the whole mission',
        fix: 'make it smaller than budgets.mission_ms_max',
      },
    ];
  },
  function aRepositoryNeedsAnAgentThatCanChangeIt(contract) {
    if (loose(contract['agent'])['runtime'] !== 'scripted' || contract['repository'] === undefined) return [];
    return [
      {
        field: 'agent.runtime',
        problem: 'a scripted agent answers a text and changes no repository',
        fix: 'use runtime "command", or leave "repository" away',
      },
    ];
  },
];
