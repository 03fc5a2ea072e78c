/** The workflow on DBOS: each step is `DBOS.runStep`, the approval `DBOS.recv`, answered by `DBOS.send` as soon as it waits. */
import { DBOS } from '@dbos-inc/dbos-sdk';
import { fiveSteps, requireEnv, serve } from './serve.ts';
import { postgresSettings, versions } from './versions.ts';

const APPROVAL = 'approval';
const APPROVAL_S_MAX = 120;
const url = new URL(requireEnv('PEER_POSTGRES_URL'));
const settings = await postgresSettings(url.href);
url.pathname = '/dbos';

const mission = DBOS.registerWorkflow(
  (id: string) =>
    fiveSteps(
      id,
      (name, work) => DBOS.runStep(() => Promise.resolve(work()), { name }),
      async () => {
        const answer = DBOS.recv<string>(APPROVAL, APPROVAL_S_MAX);
        waits(id);
        if ((await answer) !== 'approve') throw new Error(`workflow ${id} was not approved in time`);
      },
    ),
  { name: 'mission' },
);

// The driver sits outside of the workflow: what it does must not become a step of it.
const waiting = new Map<string, () => void>();
const waits = (id: string): void => waiting.get(id)?.();

DBOS.setConfig({ name: 'peer', systemDatabaseUrl: url.href, runAdminServer: false, logLevel: 'error' });
await DBOS.launch();

serve({
  says: { ...versions('@dbos-inc/dbos-sdk'), ...settings },
  async workflow(id) {
    const asked = new Promise<void>((resolve) => waiting.set(id, resolve));
    const handle = await DBOS.startWorkflow(mission, { workflowID: id })(id);
    await asked;
    waiting.delete(id);
    await DBOS.send(id, 'approve', APPROVAL);
    return handle.getResult();
  },
  results: (id) => DBOS.retrieveWorkflow(id).getResult(),
  stop: () => DBOS.shutdown(),
});
