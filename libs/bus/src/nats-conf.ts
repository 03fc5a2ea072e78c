/** The one configuration of the server, for the laptop, compose and Kubernetes; what differs comes from the environment. */
import { BUS_USERS, nkeyVariable, permissionsOf, type BusUser } from './permissions.ts';

const HEAD = `# Generated from libs/bus/src/permissions.ts; \`nats-conf.spec.ts\` fails when it is edited by hand.
#
# Environment: BATON_NATS_SERVER_NAME, BATON_NATS_PORT, BATON_NATS_MONITOR_PORT, BATON_NATS_STORE_DIR,
# BATON_NATS_STORE_BYTES_MAX (at least 18G: the streams reserve their limits), BATON_NATS_SYNC_INTERVAL,
# and BATON_NKEY_<USER> with the public nkey of each user below.

server_name: $BATON_NATS_SERVER_NAME
port: $BATON_NATS_PORT
http_port: $BATON_NATS_MONITOR_PORT

# Above the largest message of any stream, headers included.
max_payload: 1MB

jetstream {
  store_dir: $BATON_NATS_STORE_DIR
  max_memory_store: 64MB
  max_file_store: $BATON_NATS_STORE_BYTES_MAX
  # How long what was acknowledged may stay in the memory of the machine. The log is the record, so on a laptop a power
  # loss costs a republishing and "2m" is fine. In a cluster set "always": otherwise one crash of a machine can lose what
  # was acknowledged and take the replicas' agreement with it. It costs nothing that matters here (2,500 to 3,700 messages/s).
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
accounts {
  BATON {
    jetstream: enabled
    users: [
${BUS_USERS.map(user).join('')}    ]
  }
}
`;
