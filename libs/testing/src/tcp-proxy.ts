/** A network between a client and a server that a spec can slow down, hold up and cut. */
import { type Socket, connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** `url` with the proxy in the place of the server. */
  through(url: string): string;
  /** Nothing passes in either direction and nobody is told: new connections are accepted and left hanging. */
  pause(): void;
  /** What was held up passes now, in order. */
  resume(): void;
  /** Resets every connection; new ones are refused until `mend`. */
  cut(): void;
  mend(): void;
  connections(): number;
  stop(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

export async function tcpProxy(target: { readonly host?: string; readonly port: number }): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let paused = false;
  let severed = false;
  const listener = createServer({ pauseOnConnect: true }, (client) => {
    if (severed) return void client.resetAndDestroy();
    const pair = { client, server: connect({ host: target.host ?? '127.0.0.1', port: target.port }) };
    pairs.add(pair);
    join(pair, () => pairs.delete(pair));
    if (!paused) flow(pair);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  const cut = () => {
    severed = true;
    for (const { client } of pairs) client.resetAndDestroy();
  };
  return {
    port,
    through: (url) => {
      const parsed = new URL(url);
      parsed.hostname = '127.0.0.1';
      parsed.port = String(port);
      return parsed.href;
    },
    pause: () => {
      paused = true;
      for (const pair of pairs) hold(pair);
    },
    resume: () => {
      paused = false;
      for (const pair of pairs) flow(pair);
    },
    cut,
    mend: () => {
      severed = false;
    },
    connections: () => pairs.size,
    stop: () =>
      new Promise((resolve) => {
        cut();
        listener.close(() => resolve());
      }),
  };
}

/** The end of one side is the end of the other. */
function join({ client, server }: Pair, ended: () => void): void {
  for (const [side, other] of [
    [client, server],
    [server, client],
  ] as const) {
    side.setNoDelay(true);
    side.on('error', () => undefined); // 'close' follows, and is passed on.
    side.once('close', () => {
      other.destroy();
      ended();
    });
  }
}

function flow({ client, server }: Pair): void {
  client.pipe(server);
  server.pipe(client);
}

function hold({ client, server }: Pair): void {
  client.unpipe(server);
  server.unpipe(client);
  client.pause();
  server.pause();
}
