export { type Eventually, eventually } from './eventually.ts';
export { freePort, isPortFree } from './servers/free-port.ts';
export { type RunningNats, type StartNats, startNats, stopLeftoverNats } from './servers/nats.ts';
export { type FindNatsServer, findNatsServer } from './servers/nats-server-binary.ts';
export { type FindPostgres, type PostgresBinaries, findPostgres } from './servers/postgres-binaries.ts';
export {
  type RunningPostgres,
  type StartPostgres,
  databaseUrl,
  overSocket,
  removePostgresData,
  startPostgres,
  stopLeftoverPostgres,
} from './servers/postgres.ts';
export { type TcpProxy, tcpProxy } from './servers/tcp-proxy.ts';
export type { Log } from './servers/server-process.ts';
export {
  type RunningPrometheus,
  type Sample,
  type ScrapeTarget,
  type StartPrometheus,
  startPrometheus,
} from './servers/prometheus.ts';
export { type Expression, queryExpressions } from './deploy/dashboard.ts';
