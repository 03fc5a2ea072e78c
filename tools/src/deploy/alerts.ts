/** The rules, tests and runbooks of `deploy/`, read for the checks. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { parse } from 'yaml';

export const DEPLOY = join(import.meta.dirname, '../../../deploy');

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface RuleFile {
  readonly groups: readonly { readonly rules: readonly Alert[] }[];
}

interface TestFile {
  readonly tests: readonly {
    readonly promql_expr_test: readonly { readonly expr: string; readonly exp_samples: readonly object[] }[];
  }[];
}

const SEVERITIES = ['page', 'ticket'];
const DESCRIPTION_CHARS_MIN = 80;

const alertsOf = (text: string): readonly Alert[] => (parse(text) as RuleFile).groups.flatMap(({ rules }) => rules);

export function allAlerts(): readonly Alert[] {
  const directory = join(DEPLOY, 'prometheus/rules');
  return readdirSync(directory).flatMap((file) => alertsOf(readFileSync(join(directory, file), 'utf8')));
}

/** `BatonRelayLag` → `relay-lag` */
export const slugOf = (alert: string): string =>
  alert
    .replace(/^Baton/, '')
    .replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '-')
    .toLowerCase();

/** What is missing for somebody who is woken up by it; `read` answers undefined where there is no such file under `deploy/`. */
export function alertFaults(
  { alert, labels, annotations }: Alert,
  read: (path: string) => string | undefined,
): readonly string[] {
  const slug = slugOf(alert);
  const runbook = `runbooks/${slug}.md`;
  const faults: string[] = [];
  if (!/^Baton[A-Z][A-Za-z]+$/.test(alert)) faults.push(`${alert}: name it Baton… in PascalCase`);
  if (!SEVERITIES.includes(labels?.severity ?? '')) faults.push(`${alert}: give a severity, one of ${SEVERITIES.join(', ')}`);
  if (!annotations?.summary) faults.push(`${alert}: give a summary`);
  if ((annotations?.description ?? '').length < DESCRIPTION_CHARS_MIN)
    faults.push(`${alert}: say in the description what it means for missions`);
  if (annotations?.runbook_url !== `deploy/${runbook}`) faults.push(`${alert}: runbook_url has to be deploy/${runbook}`);
  const text = read(runbook) ?? '';
  const absent = [`# ${alert}`, '**Symptom.**', '**Check**', '**Fix**'].filter((part) => !text.includes(part));
  if (absent.length > 0) faults.push(`${alert}: deploy/${runbook} lacks ${absent.join(', ')}`);
  const test = read(`prometheus/tests/${slug}.yaml`);
  if (test === undefined) return [...faults, `${alert}: deploy/prometheus/tests/${slug}.yaml is missing`];
  const expected = (parse(test) as TestFile).tests.flatMap(({ promql_expr_test }) =>
    promql_expr_test.filter(({ expr }) => expr.includes(`"${alert}"`)),
  );
  if (!expected.some(({ exp_samples }) => exp_samples.length > 0)) faults.push(`${alert}: no test in which it fires`);
  if (!expected.some(({ exp_samples }) => exp_samples.length === 0)) faults.push(`${alert}: no test in which it stays quiet`);
  return faults;
}

/** What a command needs to do anything at all where it is typed, by how it begins. */
const NEEDED_BY_COMMAND: readonly (readonly [command: RegExp, needs: string])[] = [
  // docker-compose.yml has variables that have to be set.
  [/\bdocker compose\b[^`\n]*/g, '--env-file deploy/docker/.env'],
  [/\bkubectl\b[^`\n]*/g, '-n baton'],
  // No user of the bus may listen on the prefix that the tool takes by itself.
  [/\bnats (?:server|stream|consumer|pub|sub|req)\b[^`\n]*/g, '--inbox-prefix'],
];

/** Commands of a runbook that would fail as they stand. */
export const commandFaults = (runbook: string, text: string): readonly string[] =>
  NEEDED_BY_COMMAND.flatMap(([command, needs]) =>
    [...text.matchAll(command)].flatMap(([found]) => (found.includes(needs) ? [] : [`${runbook}: \`${found}\` needs ${needs}`])),
  );
