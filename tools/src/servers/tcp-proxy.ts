/** A network between a client and a server that a spec can slow down, hold up and cut. */
import { type Socket, connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Transform } from 'node:stream';

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
  /** Everything that is sent takes this much longer, in each direction. */
  slowDown(ms: number): void;
  /** Each connection is reset when this many bytes have passed over it; null = never. */
  cutAfter(bytes: number | null): void;
  connections(): number;
  stop(): Promise<void>;
}

const LOOPBACK = '127.0.0.1';

/** How the line is now, for all that passes over it. */
interface Line {
  delay_ms: number;
  bytes_max: number | null;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** From the client to the server, and back. */
  readonly up: Transform;
  readonly down: Transform;
}

export interface ProxyTarget {
  readonly host?: string;
  readonly port: number;
  /** Where the proxy itself listens; loopback if left out. */
  readonly listen_host?: string;
}

export async function tcpProxy(target: ProxyTarget): Promise<TcpProxy> {
  const listen_host = target.listen_host ?? LOOPBACK;
  const pairs = new Set<Pair>();
  const line: Line = { delay_ms: 0, bytes_max: null };
  let paused = false;
  let severed = false;
  const listener = createServer({ pauseOnConnect: true }, (client) => {
    if (severed) return void client.resetAndDestroy();
    const server = connect({ host: target.host ?? LOOPBACK, port: target.port });
    const pair: Pair = { client, server, up: through(line, client), down: through(line, client) };
    pair.up.pipe(server);
    pair.down.pipe(client);
    pairs.add(pair);
    join(pair, () => pairs.delete(pair));
    if (!paused) flow(pair);
  });
  await new Promise<void>((resolve) => listener.listen(0, listen_host, resolve));
  const { port } = listener.address() as AddressInfo;
  const cut = () => {
    severed = true;
    for (const { client } of pairs) client.resetAndDestroy();
  };
  return {
    port,
    through: (url) => {
      const parsed = new URL(url);
      parsed.hostname = listen_host;
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
    slowDown: (ms) => {
      line.delay_ms = ms;
    },
    cutAfter: (bytes) => {
      line.bytes_max = bytes;
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

function flow({ client, server, up, down }: Pair): void {
  client.pipe(up);
  server.pipe(down);
}

function hold({ client, server, up, down }: Pair): void {
  client.unpipe(up);
  server.unpipe(down);
  client.pause();
  server.pause();
}

function through(line: Line, client: Socket): Transform {
  let passed_bytes = 0;
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      passed_bytes += chunk.length;
      if (line.bytes_max !== null && passed_bytes > line.bytes_max) {
        client.resetAndDestroy();
        done();
      } else if (line.delay_ms > 0) setTimeout(done, line.delay_ms, null, chunk);
      else done(null, chunk);
    },
  });
}
