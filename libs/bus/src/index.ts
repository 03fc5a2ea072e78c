export { decodeEvent, encodeEvent, type BusMessage, type Headers } from './cloud-event.ts';
export { connectBus, type BusConnection, type ConnectOptions } from './connect.ts';
export { IN_FLIGHT_MAX, consume, type Consuming, type ConsumingOptions } from './consuming.ts';
export { TopologyMismatch, ensureTopology, type EnsuredTopology, type TopologyOptions } from './ensure-topology.ts';
export { JetStreamStrategy, jetStreamStrategy, type JetStreamStrategyOptions } from './jet-stream-strategy.ts';
export type { BusLogger } from './logger.ts';
export { natsConf } from './nats-conf.ts';
export { CLI, PROVISIONER, nkeyVariable, permissionsOf, type Permissions } from './permissions.ts';
export { publishInbound, type InboundRequest } from './publish-inbound.ts';
export { RELAY_BATCH_MAX, RELAY_POLL_MS, startRelay, type Relay, type RelayOptions, type RelayStatus } from './relay.ts';
export { lowestWatermark } from './stream-tail.ts';
export {
  UNSYNCED,
  UNSYNCED_FIX,
  UnsyncedBus,
  requireSynced,
  syncSettingOf,
  watchSyncSetting,
  type SyncSetting,
} from './sync-setting.ts';
export { TRIM_DECIDED_MS_MAX } from './trimming.ts';
export { handledUpTo, watchWatermarks, type WatchWatermarksOptions, type WatermarksWatch } from './watermarks.ts';
