/** The one configuration of the server, for the laptop, compose and Kubernetes; what differs comes from the environment. */
import { BUS_USERS, type BusUser } from '@baton/contracts';
import { SETTINGS_SUBJECT, nkeyVariable, permissionsOf } from './permissions.ts';

const HEAD = `# Generated from libs/contracts/src/services.ts and libs/bus/src/permissions.ts: \`npm run docs\` writes it, \`npm run verify\` fails when it has drifted.
#
# nats-server --config nats.conf --store_dir <directory> --port <port> --http_port <monitoring port>
#
# Environment: BATON_NATS_SERVER_NAME (different for each server), BATON_NATS_STORE_BYTES_MAX (at least 18GB: the streams
# reserve their limits), BATON_NATS_SYNC_INTERVAL (2m or always) and BATON_NKEY_<USER>, the public nkey of each user below.

server_name: $BATON_NATS_SERVER_NAME

# Above the largest message of any stream, headers included.
max_payload: 1MB

jetstream {
  max_memory_store: 64MB
  max_file_store: $BATON_NATS_STORE_BYTES_MAX
  # How long what was acknowledged may stay in the memory of the machine. The log is the record, so on a laptop a power
  # loss costs a republishing and "2m" is fine; \`baton provision\` refuses a single server without "always" unless told by
  # BATON_NATS_UNSYNCED. In a cluster set "always": otherwise one crash of a machine can lose what was acknowledged and take
  # the replicas' agreement with it. It costs nothing that matters here (2,500 to 3,700 messages/s).
  sync_interval: $BATON_NATS_SYNC_INTERVAL
}
`;

const list = (subjects: readonly string[]): string => subjects.map((subject) => `            "${subject}"\n`).join('');

function user(name: BusUser): string {
  const { publish, subscribe } = permissionsOf(name);
  return `      {
        # ${name}
        nkey: $${nkeyVariable(name)}
        permissions {
          publish { allow: [
${list(publish)}          ] }
          subscribe { allow: [
${list(subscribe)}          ] }
        }
      }
`;
}

export const natsConf = (): string => `${HEAD}
# Nobody logs in here. It lends one question to those who may ask it: how a server is set up.
system_account: SYS

accounts {
  SYS {
    exports: [ { service: "${SETTINGS_SUBJECT}", response: stream, accounts: [BATON] } ]
  }
  BATON {
    jetstream: enabled
    imports: [ { service: { account: SYS, subject: "${SETTINGS_SUBJECT}" } } ]
    users: [
${BUS_USERS.map(user).join('')}    ]
  }
}
`;
