/** The workflow on Restate: each step is `ctx.run`, the approval an awakeable, which is Restate's way of waiting for a signal from outside. */
import * as restate from '@restatedev/restate-sdk';
import { fiveSteps, requireEnv, serve, tell } from './serve.ts';
import { versions } from './versions.ts';

const mission = restate.workflow({
  name: 'mission',
  handlers: {
    run: (ctx: restate.WorkflowContext) =>
      fiveSteps(
        ctx.key,
        (name, work) => ctx.run(name, work),
        () => {
          const { id, promise } = ctx.awakeable<string>();
          tell({ told: 'waiting', id: ctx.key, signal: id });
          return promise;
        },
      ),
  },
});

const port = Number(requireEnv('PEER_PORT'));
await restate.serve({ services: [mission], port });

serve({
  says: versions('@restatedev/restate-server', '@restatedev/restate-sdk'),
  workflow: null,
  results: () => Promise.reject(new Error('Restate is asked over its ingress')),
  stop: () => Promise.resolve(),
});
