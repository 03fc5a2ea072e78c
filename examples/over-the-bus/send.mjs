// Asks for something over JetStream: node examples/over-the-bus/send.mjs SUBJECT ID < request.json
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { jetstream } from '@nats-io/jetstream';
import { headers, nkeyAuthenticator } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';

const [subject, id] = process.argv.slice(2);
const { BATON_NATS_URL, BATON_NATS_NKEY_SEED } = process.env;
const request = JSON.parse(readFileSync(0, 'utf8'));

const connection = await connect({
  servers: BATON_NATS_URL,
  authenticator: nkeyAuthenticator(new TextEncoder().encode(BATON_NATS_NKEY_SEED)),
  // The only subjects on which this user may hear answers.
  inboxPrefix: '_INBOX_cli',
});
const sent = headers();
// The same id within the window of the stream is the same message; it is what the log of the service names a refused request by.
sent.set('Nats-Msg-Id', id);
sent.set('ce-specversion', '1.0');
sent.set('ce-id', id);
sent.set('ce-source', '/example/over-the-bus');
sent.set('ce-type', `${subject}.v1`);
const { stream, seq, duplicate } = await jetstream(connection).publish(subject, JSON.stringify(request), { headers: sent });
process.stdout.write(`kept as ${stream} ${seq}${duplicate ? ', once more the same' : ''}; nobody has decided yet\n`);
if (request.idempotency_key) process.stdout.write(`mission ${missionIdOf(request.idempotency_key.trim().normalize('NFC'))}\n`);
await connection.drain();

/** A uuid v5 (RFC 9562) of the key, in the namespace of Baton: known before anybody has answered. */
function missionIdOf(key) {
  const namespace = Buffer.from('6f1c5f5e0b0a5d0d9a3f2f7c4b61a7e2', 'hex');
  const bytes = createHash('sha1').update(namespace).update(`mission\n${key}`).digest().subarray(0, 16);
  bytes[6] = (bytes[6] & 0x0f) | 0x50;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
