// The pages under docs/ that say what the code says, and the configuration that grants what it says, are made from the code.
//   node tools/src/docs/generate.ts           writes them (npm run docs)
//   node tools/src/docs/generate.ts --check   fails and names each page that has drifted
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv, exit, stderr, stdout } from 'node:process';
import { natsConf } from '@baton/bus';
import { EVENTS, type Category } from '@baton/contracts';
import { adrIndex, readAdrs } from './adr-index.ts';
import { docComments } from './doc-comments.ts';
import { eventsPage } from './events-page.ts';
import { explore } from './explore.ts';
import { logNetworkPolicy, networkPolicies } from './network-policies.ts';
import { privilegesPage } from './privileges-page.ts';
import { requestsPage } from './requests-page.ts';
import { prometheusRules } from './prometheus-rules.ts';
import { stateMachinesPage } from './state-machines-page.ts';
import { topologyPage } from './topology-page.ts';

/** Path → text of every generated page. */
export type Pages = ReadonlyMap<string, string>;

export function pagesOf(root: string): Pages {
  const explored = (Object.keys(EVENTS) as Category[]).map((category) => explore(category, Object.keys(EVENTS[category])));
  return new Map([
    ['docs/events.md', eventsPage(explored, docComments(root))],
    ['docs/topology.md', topologyPage()],
    ['docs/requests.md', requestsPage(docComments(root), readFileSync(join(root, 'examples/over-the-bus/send.mjs'), 'utf8'))],
    ['docs/privileges.md', privilegesPage()],
    ['docs/state-machines.md', stateMachinesPage(explored)],
    ['docs/adr/README.md', adrIndex(readAdrs(join(root, 'docs/adr')))],
    ['deploy/nats/nats.conf', natsConf()],
    ['deploy/kubernetes/base/network-policies.yaml', networkPolicies()],
    ['deploy/kubernetes/components/postgres/network-policy.yaml', logNetworkPolicy()],
    ['deploy/kubernetes/components/monitoring/prometheus-rules.yaml', prometheusRules(root)],
  ]);
}

/** One sentence for each page that is not what the code says. */
export function drifted(root: string, pages: Pages): string[] {
  return [...pages].flatMap(([path, text]) => {
    const file = join(root, path);
    if (!existsSync(file)) return [`${path} is missing; run npm run docs`];
    const lines = readFileSync(file, 'utf8').split('\n');
    const wanted = text.split('\n');
    const at = wanted.findIndex((line, index) => line !== lines[index]);
    if (at === -1 && lines.length === wanted.length) return [];
    return [`${path} has drifted from the code at line ${String((at === -1 ? wanted.length : at) + 1)}; run npm run docs`];
  });
}

export function writePages(root: string, pages: Pages): string[] {
  const written = [...pages].filter(
    ([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text,
  );
  for (const [path, text] of written) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return written.map(([path]) => path);
}

if (import.meta.main) {
  const root = dirname(dirname(dirname(import.meta.dirname)));
  const pages = pagesOf(root);
  if (argv.includes('--check')) {
    const problems = drifted(root, pages);
    if (problems.length > 0) {
      stderr.write(`${problems.join('\n')}\n`);
      exit(1);
    }
    stdout.write(`${String(pages.size)} generated pages match the code\n`);
  } else {
    const written = writePages(root, pages);
    stdout.write(written.length > 0 ? `Wrote ${written.join(', ')}\n` : 'All generated pages match the code\n');
  }
}
