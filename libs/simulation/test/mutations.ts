/**
 * Bugs that are planted on purpose: each takes the place of a port or of what handling is given, never of a line in
 * production. A simulation that does not find them would not find the real ones either.
 */
import { randomUUID } from 'node:crypto';
import { parseStored, type DataOf } from '@baton/contracts';
import type { Evaluation } from '@baton/domain';
import type { Performer, Request, ServiceDefinition } from '@baton/handling';
import type { EventLog } from '@baton/ports';
import type { Wraps } from '../src/service-process.ts';

const logged = (wrap: (log: EventLog, holder: string) => Partial<EventLog>): Wraps => ({
  log: (log, holder) => ({ ...log, ...wrap(log, holder) }),
});

const attemptsOf = async (log: EventLog, stream: string): Promise<number> =>
  (await log.load(stream)).filter(({ type }) => type === 'AttemptStarted').length;

/** What an attempt reports is taken for the attempt that runs now. */
function unfenced(definition: ServiceDefinition, log: EventLog): ServiceDefinition {
  const made = definition.perform?.['attempt'];
  if (!made) return definition;
  const attempt: Performer = (work) =>
    made({
      ...work,
      submit: async (command) => work.submit({ ...(command as object), attempt: await attemptsOf(log, work.stream) }),
    });
  return { ...definition, perform: { ...definition.perform, attempt } };
}

/** Whatever content somebody saw, the answer counts for the content that is shown now. */
function undigested(definition: ServiceDefinition, log: EventLog): ServiceDefinition {
  const answers = definition.inbound?.AnswerGate;
  if (!answers) return definition;
  return {
    ...definition,
    inbound: {
      AnswerGate: (body, delivery) =>
        answers(body, delivery).map((request): Request => ({
          ...request,
          command: { ...(request.command as object), stream: request.stream },
        })),
    },
    prepare: {
      ...definition.prepare,
      AnswerGate: async ({ stream, ...command }: { readonly stream: string }) => {
        const [opened] = (await log.load(stream)).map(parseStored);
        return { ...command, content_digest: (opened?.data as DataOf<'GateOpened'> | undefined)?.content_digest };
      },
    },
  };
}

/** What the policy says of a release, said otherwise. */
const misjudged =
  (otherwise: (said: Evaluation) => Partial<Evaluation>) =>
  (definition: ServiceDefinition): ServiceDefinition => {
    const judges = definition.prepare?.['OpenGate'];
    if (!judges) return definition;
    const OpenGate: typeof judges = async (command) => {
      const judged = (await judges(command)) as { readonly evaluation: Evaluation };
      return { ...judged, evaluation: { ...judged.evaluation, ...otherwise(judged.evaluation) } };
    };
    return { ...definition, prepare: { ...definition.prepare, OpenGate } };
  };

/** A landing that meets a host which is away is over, whatever became of the push. */
function hasty(definition: ServiceDefinition): ServiceDefinition {
  const lands = definition.perform?.['land'];
  if (!lands) return definition;
  const land: Performer = (work) =>
    lands(work).catch((error: unknown) => {
      throw Object.assign(error as Error, { failure_class: 'semantic' });
    });
  return { ...definition, perform: { ...definition.perform, land } };
}

/** Name → a fresh bug for each run. */
export const MUTATIONS: Readonly<Record<string, () => Wraps>> = {
  'skipped ack: acknowledged before it is committed': () => ({
    runtime: (runtime) => ({
      ...runtime,
      receive: (delivery) => {
        void runtime.receive(delivery);
        return Promise.resolve({ ack: true });
      },
    }),
  }),
  'lost deadline: a retry is scheduled and nobody wakes it': () =>
    logged((log) => ({
      append: (append) => log.append(append.events.at(-1)?.type === 'RetryScheduled' ? { ...append, deadline: null } : append),
    })),
  'double dispatch: what is due is given to two': () =>
    logged((log, holder) => ({
      claimDue: async (claim) => {
        const due = await log.claimDue(claim);
        for (const { stream, key } of due) await log.extend({ stream, key, holder, after_ms: 0 });
        return due;
      },
    })),
  'stale fence accepted: a report counts for another attempt': () => ({ definition: unfenced }),
  'stale lease accepted: whoever lost it is told that it holds it': () =>
    logged((log) => ({ extend: async (lease) => (await log.extend(lease)) || true })),
  'half append: of several events the first is written': () =>
    logged((log) => ({ append: (append) => log.append({ ...append, events: append.events.slice(0, 1) }) })),
  'half append: of several events the last is missing': () =>
    logged((log) => ({
      append: (append) =>
        log.append({ ...append, events: append.events.length > 1 ? append.events.slice(0, -1) : append.events }),
    })),
  'forgotten version check: appended to whatever is there': () =>
    logged((log) => ({
      append: async (append) => log.append({ ...append, expected_version: (await log.load(append.stream)).length }),
    })),
  'dropped redelivery: what was not settled never comes again': () => ({ redelivers: () => false }),
  'duplicate id accepted: the same cause is recorded again': () =>
    logged((log) => ({
      append: async (append) => {
        const result = await log.append(append);
        if (result.status !== 'duplicate-event') return result;
        const events = append.events.map((event) => ({ ...event, id: randomUUID() }));
        return log.append({ ...append, events, expected_version: (await log.load(append.stream)).length });
      },
    })),
  'approval digest not compared: a name is approved': () => ({ definition: undigested }),
  'nobody is asked: what needs a person is let pass by the service': () => ({
    definition: misjudged(({ tier }) => ({ tier: tier === 'gate' ? 'notify' : tier })),
  }),
  'four eyes are two: whoever asked for it approves it': () => ({ definition: misjudged(() => ({ self_approval: true })) }),
  'failed without a look: a push that nobody heard of is taken for none': () => ({ definition: hasty }),
  'relay skips an event': () => ({ relayed: (position) => position % 17 !== 0 }),
  'nobody sweeps: what a dead reviewer held stays with it': () => ({
    runtime: (runtime, service) => (service === 'reviewer' ? { ...runtime, sweep: () => Promise.resolve(0) } : runtime),
  }),
  'a store that is away is taken for done': () =>
    logged((log) => ({
      append: async (append) => {
        const result = await log.append(append);
        // What comes second is not decided again.
        return result.status === 'version-conflict' ? { status: 'duplicate-event' } : result;
      },
    })),
};
