/** T28, T29: the log restored from a dump, into an empty cluster; and an old dump, which leaves the bus ahead. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually, removePostgresData, startPostgres, type RunningPostgres } from '@baton/tools';
import type { Fault } from '../fault.ts';
import type { Ground } from '../ground.ts';
import { runbook } from '../runbook.ts';
import { waveUnderWay } from './kills.ts';

const EVERY_MS = 100;
const RUN_MS = 2_000;
const HALTED_WITHIN_MS = 20_000;
/** What was under way at the dump goes on when its deadlines pass. */
const TAKEN_UP_WITHIN_MS = 90_000;
const PASSWORD = 'operator';

/** A Postgres of the operator's own, which the stack uses. */
async function ownPostgres({ baton, environment, cleanup }: Ground, name: string): Promise<RunningPostgres> {
  const data_dir = join(baton.directory, name);
  const postgres = await startPostgres({ data_dir, password: PASSWORD, log: () => undefined });
  cleanup.add(() => removePostgresData(data_dir));
  cleanup.add(() => postgres.stop());
  cleanup.add(() => baton.run('down'));
  environment['BATON_PG_URL'] = postgres.superuser_url;
  environment['BATON_PG_ADMIN_URL'] = postgres.superuser_url;
  return postgres;
}

async function restoreInto(ground: Ground, from: RunningPostgres): Promise<void> {
  await ground.baton.run('down');
  ground.missions.effects.mark();
  await from.stop();
  await ownPostgres(ground, 'second');
  await runbook(ground, 'rebuild-log.md', 'Restore');
  ground.missions.ledger.forget();
  await ground.missions.ledger.refresh();
}

const emptyCluster: Fault = {
  id: 'T28',
  broke: 'database and bus lost; the log restored from a dump into an empty cluster',
  needs: ['pg_dump'],
  ground: 'own',
  run: async (on) => {
    const { ground } = on;
    const first = await ownPostgres(ground, 'first');
    await ground.up();
    await waveUnderWay(on);
    await ground.baton.run('down');
    await runbook(ground, 'rebuild-log.md', 'Back up');
    await rm(join(ground.baton.home, 'nats'), { recursive: true, force: true });
    // The operator's Postgres still runs.
    const { ledger, acknowledged } = ground.missions;
    await ledger.refresh();
    const last = ledger.events.at(-1);
    const open = [...acknowledged].filter((id) => !ledger.ended.has(id)).length;
    if (last === undefined || open === 0) throw new Error('every mission had ended before the dump: nothing was tested');
    on.note(`${open} missions were under way at the dump, which has ${last.position} events`);
    await restoreInto(ground, first);
    if (ledger.events.find(({ position }) => position === last.position)?.id !== last.id)
      throw new Error(`the restored log does not have ${last.id} at position ${last.position}, where the dumped one ended`);
    await on.recovered(performance.now(), { within_ms: TAKEN_UP_WITHIN_MS });
    await on.verify();
  },
};

const olderDump: Fault = {
  id: 'T29',
  broke: 'the log restored to an older point, the bus is ahead',
  needs: ['pg_dump'],
  ground: 'own',
  run: async (on) => {
    const { ground } = on;
    const { missions, baton } = ground;
    const first = await ownPostgres(ground, 'first');
    await ground.up();
    // What landed after the dump is on main and not in the log; what was under way at the dump may not land a second time.
    const load = missions.keepComing(EVERY_MS, 'scripted', 'scripted', 'landing', 'scripted');
    await delay(RUN_MS);
    await runbook(ground, 'rebuild-log.md', 'Back up');
    await delay(RUN_MS);
    await load.stop();
    await missions.ended();
    const landed_before = (await missions.landedCommits()).map(({ mission_id }) => mission_id);
    await restoreInto(ground, first);
    const accepted = new Set(missions.ledger.events.map((event) => (event.data as { mission_id: string }).mission_id));
    const gone = [...missions.acknowledged].filter((id) => !accepted.has(id));
    if (gone.length === 0) throw new Error('the dump is not older than the log was: nothing was tested');
    // What was under way at the dump and landed after it is on main: it may end as failed, since nothing is left to change, and
    // may not land again.
    const completed = new Set(
      missions.ledger.events.flatMap(({ type, data }) => (type === 'MissionCompleted' ? [data.mission_id] : [])),
    );
    const ahead = landed_before.filter((id) => accepted.has(id) && !completed.has(id));
    missions.forget([...gone, ...ahead]);
    on.note(`${gone.length} missions were accepted after the dump, ${ahead.length} landed after it`);
    await eventually(async () => (await ground.logOf('relay')).includes('relay-broker-ahead'), {
      within_ms: HALTED_WITHIN_MS,
      what: 'the relay has halted',
    });
    const { exit } = await baton.run('verify');
    if (exit !== 7) throw new Error(`baton verify ended with ${exit} while the bus was ahead, not with 7`);
    const { exit: rebuilt, stderr } = await baton.run('rebuild', 'bus');
    if (rebuilt !== 7 || !stderr.includes('the log ends at'))
      throw new Error(`rebuild bus ended with ${rebuilt} on a log that lacks what was signed, not with 7: ${stderr}`);
    await runbook(ground, 'rebuild-log.md', 'If the checkpoints are ahead');
    await runbook(ground, 'rebuild-log.md', 'If the bus is ahead');
    await on.recovered(performance.now(), { within_ms: TAKEN_UP_WITHIN_MS });
    await on.verify();
  },
};

export const restoreFaults: readonly Fault[] = [emptyCluster, olderDump];
