/** One service's runtime, alone: so many deliveries a second through react, decide, append and settle, over the record in memory and over Postgres. */
import { createHash, randomUUID } from 'node:crypto';
import { missionContractSchema, type StoredEvent, type Task } from '@baton/contracts';
import { decodeEvent, encodeEvent, IN_FLIGHT_MAX } from '@baton/bus';
import { STREAM_OF, type Expansion, type MissionCommand, type PlanCommand } from '@baton/domain';
import { createService, digestOf, missionIdOf, type ServiceDefinition } from '@baton/handling';
import type { DeadLetters, EventDelivery, EventLog } from '@baton/ports';
import { memoryRecord } from '@baton/simulation';
import { CONTRACT } from '../driver.ts';
import { lanes, perSecond, sized, type Figure, type Options, type Part } from './figure.ts';
import { onGround } from './ground.ts';

const MISSIONS = 5_000;
const WARM_UP = 500;
const PAGE_EVENTS = 1_000;
const SLOTS = 1;
/** What 750 missions/s, 1.2 times the best peer, ask of the planner: MissionAccepted and ReviewConcluded of each. */
const DELIVERIES_PER_S_MIN = 1_500;

type Store = { readonly log: EventLog; readonly deadLetters: DeadLetters };
interface Stores {
  readonly intake: Store;
  readonly planner: Store;
  /** Of whoever may read everything. */
  readonly reader: Pick<EventLog, 'readAfter'>;
}

const contract = missionContractSchema.parse({
  ...CONTRACT,
  agent: { runtime: 'scripted', output: 'x'.repeat(500) },
});

const planned: Task = {
  id: 'whole',
  title: contract.title,
  instructions: contract.objective,
  depends_on: [],
  write_set: contract.scope.include,
  write_set_exclude: [],
  acceptance: contract.criteria,
  agent: contract.agent,
  attempts_max: contract.budgets.attempts_max,
  run_ms_max: contract.budgets.run_ms_max,
};
const expansion: Expansion = { tasks: [planned], template_digest: digestOf(planned) };
type PlanMission = Extract<PlanCommand, { type: 'PlanMission' }>;
const PLANNER: ServiceDefinition = {
  name: 'planner',
  prepare: { PlanMission: (command: PlanMission) => ({ ...command, expansion }) },
};

const acceptance = (): Parameters<ReturnType<typeof createService>['submit']>[0] => {
  const key = randomUUID();
  const mission_id = missionIdOf(key);
  const command: MissionCommand = {
    type: 'AcceptMission',
    mission_id,
    contract,
    contract_digest: digestOf(contract),
    requested_by: 'bench',
    source: 'event',
  };
  return {
    stream: STREAM_OF.mission(mission_id),
    command,
    causation_id: `request:${key}`,
    correlation_id: mission_id,
    actor: { kind: 'person', id: 'bench' },
  };
};

function deliveryOf(event: StoredEvent): EventDelivery {
  const { subject, headers, payload } = encodeEvent(event);
  return {
    kind: 'event',
    consumer: 'planner-react',
    subject,
    headers,
    body: payload,
    deliveries: 1,
    sequence: event.position,
    event: () => decodeEvent(headers, payload),
  };
}

export const handler: Part = {
  name: 'handler',
  run: async (options) => {
    const record = memoryRecord({
      now_ms: Date.now,
      sha256: (bytes) => createHash('sha256').update(bytes).digest(),
    });
    const in_memory = await measured({ intake: record, planner: record, reader: record.log }, 'in memory', options);
    const on_postgres = await onGround('handler', (ground) =>
      measured(
        { intake: ground.open('intake'), planner: ground.open('planner'), reader: ground.open('relay').log },
        'on Postgres',
        options,
      ),
    );
    return [...in_memory, ...on_postgres];
  },
};

async function measured(stores: Stores, where: string, options: Options): Promise<readonly Figure[]> {
  const holder = randomUUID();
  const ports = ({ log, deadLetters }: Store) => ({ log, dead_letters: deadLetters, holder, slots: SLOTS });
  const intake = createService({ name: 'intake' }, ports(stores.intake));
  const planner = createService(PLANNER, ports(stores.planner));
  const total = sized(MISSIONS, options);
  const submit = (missions: number): Promise<void> =>
    lanes(missions, IN_FLIGHT_MAX, async () => {
      const { status } = await intake.submit(acceptance());
      if (status !== 'appended') throw new Error(`a mission of its own was ${status}`);
    });
  await submit(WARM_UP);
  const submitted = await perSecond(total, () => submit(total));
  const accepted: StoredEvent[] = [];
  while (accepted.length < WARM_UP + total) accepted.push(...(await stores.reader.readAfter(accepted.length, PAGE_EVENTS)));
  const deliveries = accepted.map(deliveryOf);
  const receive = (these: readonly EventDelivery[]): Promise<void> =>
    lanes(these.length, IN_FLIGHT_MAX, async (nth) => {
      const settled = await planner.receive(these[nth]!);
      if (!settled.ack) throw new Error(`delivery ${String(nth)} was not acknowledged`);
    });
  await receive(deliveries.slice(0, WARM_UP));
  const handled = await perSecond(total, () => receive(deliveries.slice(WARM_UP)));
  await Promise.all([intake.stop(0), planner.stop(0)]);
  if (planner.stats().dead_lettered > 0) throw new Error('deliveries were dead-lettered');
  return [
    {
      scenario: `handler ${where}: planner, MissionAccepted -> 3 events`,
      figure: handled,
      unit: 'deliveries/s',
      limit: DELIVERIES_PER_S_MIN,
      better: 'more',
      limit_is: 'what 750 missions/s ask of the planner, 2 deliveries each',
    },
    {
      scenario: `edge ${where}: intake, AcceptMission`,
      figure: submitted,
      unit: 'commands/s',
      limit: DELIVERIES_PER_S_MIN / 2,
      better: 'more',
      limit_is: 'one for each of 750 missions/s',
    },
  ];
}
