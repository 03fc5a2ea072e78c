import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SERVICE_NAMES } from '@baton/contracts';
import { eventually } from '@baton/testing';
import { queryExpressions, startPrometheus, type RunningPrometheus } from '@baton/tools';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../../..');
const BATON = join(ROOT, 'apps/cli/bin/baton.js');
const EXAMPLE = join(ROOT, 'examples/first-mission/mission.yaml');

const RUN_MS_MAX = 300_000;
const SCRAPE_MS = 500;
/** Several scrapes: counters need two of them. */
const DATA_MS_MAX = 20_000;

describe('the dashboard over a real run', () => {
  let home: string;
  let prometheus: RunningPrometheus | undefined;

  const baton = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await run(process.execPath, [BATON, '--json', ...args], {
      cwd: home,
      env: { ...process.env, BATON_HOME: join(home, 'stack') },
    });
    return stdout;
  };
  const git = (...args: readonly string[]) =>
    run('git', ['-C', join(home, 'repository'), '-c', 'user.name=Test', '-c', 'user.email=test@example.org', ...args]);

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'baton-dashboard-'));
    await cp(EXAMPLE, join(home, 'mission.yaml'));
    await run('git', ['init', '--quiet', '--initial-branch', 'main', join(home, 'repository')]);
    await git('commit', '--quiet', '--allow-empty', '--message', 'Begin');
    // The mission lands on main, so main must not be what is checked out here.
    await git('checkout', '--quiet', '--detach');
    const { services } = JSON.parse(await baton('up')) as { services: Readonly<Record<string, string>> };
    prometheus = await startPrometheus({
      directory: join(home, 'prometheus'),
      targets: SERVICE_NAMES.map((service) => ({ service, url: `${services[service]}/metrics` })),
      scrape_interval_ms: SCRAPE_MS,
      log: (message) => process.stdout.write(`${message}\n`),
    });
    // Counters have to be seen before they count.
    await eventually(async () => (await prometheus!.query('up == 1')).length === SERVICE_NAMES.length, {
      within_ms: DATA_MS_MAX,
      what: 'every service scraped',
    });
    await baton('submit', 'mission.yaml', '--repository', join(home, 'repository'), '--wait');
  }, RUN_MS_MAX);

  afterAll(async () => {
    await prometheus?.stop();
    await baton('down');
    await rm(home, { recursive: true, force: true });
  }, RUN_MS_MAX);

  it('sees the mission completed', async () => {
    await eventually(async () => (await prometheus!.query('max(baton_missions{status="completed"})'))[0]?.value === 1, {
      within_ms: DATA_MS_MAX,
      what: 'one completed mission',
    });
  });

  it('sees the bus equal to the log', async () => {
    const distance =
      'max(baton_log_head_position) - max(baton_relay_published_position) == 0 and max(baton_log_head_position) > 0';
    await eventually(async () => (await prometheus!.query(distance)).length === 1, {
      within_ms: DATA_MS_MAX,
      what: 'a bus that is equal to the log',
    });
  });

  it.each(
    queryExpressions()
      .filter(({ after_one_mission }) => after_one_mission)
      .map(({ panel, expr }) => [panel, expr]),
  )(
    'has data for: %s',
    async (_panel, expr) => {
      await eventually(async () => (await prometheus!.query(expr)).length > 0, { within_ms: DATA_MS_MAX, what: expr });
    },
    RUN_MS_MAX,
  );

  it.each(
    queryExpressions()
      .filter(({ after_one_mission }) => !after_one_mission)
      .map(({ panel, expr }) => [panel, expr]),
  )('is understood: %s', async (_panel, expr) => {
    await expect(prometheus!.query(expr)).resolves.toBeDefined();
  });
});
