import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { eventually } from '../eventually.ts';
import { type TcpProxy, tcpProxy } from './tcp-proxy.ts';

// Unlike once(), not ended by the error that comes before.
const closing = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()));

describe('a tcp proxy', () => {
  let echo: Server;
  let proxy: TcpProxy;
  let client: Socket;
  let heard: string;
  beforeEach(async () => {
    echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    proxy = await tcpProxy({ port: (echo.address() as AddressInfo).port });
    heard = '';
    client = connect(proxy.port, '127.0.0.1');
    client.on('error', () => undefined).on('data', (chunk) => (heard += chunk.toString()));
    await once(client, 'connect');
  });
  afterEach(async () => {
    client.destroy();
    await proxy.stop();
    echo.close();
  });

  it('passes on what is said, both ways', async () => {
    client.write('hello');
    await eventually(() => heard === 'hello', { within_ms: 2_000 });
    expect(proxy.connections()).toBe(1);
  });

  it('holds everything up while paused, and loses nothing', async () => {
    client.write('one ');
    await eventually(() => heard === 'one ', { within_ms: 2_000 });
    proxy.pause();
    client.write('two ');
    // A second way to the same server shows that the server itself answers meanwhile.
    const direct = connect((echo.address() as AddressInfo).port, '127.0.0.1');
    direct.write('still here');
    await once(direct, 'data');
    direct.destroy();
    expect(heard).toBe('one ');
    proxy.resume();
    await eventually(() => heard === 'one two ', { within_ms: 2_000 });
  });

  it('cuts, refuses, and is mended', async () => {
    const closed = closing(client);
    proxy.cut();
    await closed;
    const refused = connect(proxy.port, '127.0.0.1').on('error', () => undefined);
    await closing(refused);
    proxy.mend();
    client = connect(proxy.port, '127.0.0.1').on('data', (chunk) => (heard += chunk.toString()));
    client.write('again');
    await eventually(() => heard === 'again', { within_ms: 2_000 });
  });

  it('makes everything take longer', async () => {
    proxy.slowDown(50);
    const sent_ms = performance.now();
    client.write('late');
    await eventually(() => heard === 'late', { within_ms: 2_000 });
    // There and back.
    expect(performance.now() - sent_ms).toBeGreaterThan(95);
  });

  it('tears a connection after so many bytes, and the next one again', async () => {
    proxy.cutAfter(4);
    client.write('four');
    await eventually(() => heard === 'four', { within_ms: 2_000 });
    const closed = closing(client);
    client.write('!');
    await closed;
    proxy.cutAfter(null);
    client = connect(proxy.port, '127.0.0.1').on('data', (chunk) => (heard += chunk.toString()));
    client.write(' and five');
    await eventually(() => heard === 'four and five', { within_ms: 2_000 });
  });

  it('takes the place of the server in a url', () => {
    expect(proxy.through('postgres://user:pw@127.0.0.1:5432/name')).toBe(`postgres://user:pw@127.0.0.1:${proxy.port}/name`);
  });
});
