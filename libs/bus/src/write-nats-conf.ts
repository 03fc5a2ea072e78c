/** `node libs/bus/dist/write-nats-conf.js`, after a build, writes deploy/nats/nats.conf anew. */
import { writeFileSync } from 'node:fs';
import { natsConf } from './nats-conf.ts';

writeFileSync(new URL('../../../deploy/nats/nats.conf', import.meta.url), natsConf());
