// The rules of `deploy/prometheus/rules` as the objects that the Prometheus operator loads; it reads no others.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const DIRECTORY = 'deploy/prometheus/rules';

const HEAD = `# Generated from ${DIRECTORY}: \`npm run docs\` writes it, \`npm run verify\` fails when it has drifted.\n`;

const ruleOf = (file: string, text: string): string => `apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: baton-${basename(file, '.yaml')}
  labels: { app.kubernetes.io/part-of: baton }
spec:
${text.replaceAll(/^(?=.)/gm, '  ')}`;

/** One object for each file, with its text as it is. */
export function prometheusRules(root: string): string {
  const directory = join(root, DIRECTORY);
  const files = readdirSync(directory).toSorted();
  return HEAD + files.map((file) => ruleOf(file, readFileSync(join(directory, file), 'utf8'))).join('---\n');
}
