import { log } from '../legacy-log/index.mjs';

const KILOGRAMS_MAX = 30;

/** Parcels of an order, none of them too heavy to carry. */
export function packParcels(order) {
  const parcels = [];
  for (const item of order.items) {
    const parcel = parcels.find(({ weight }) => weight + item.weight <= KILOGRAMS_MAX);
    if (parcel) parcel.weight += item.weight;
    else parcels.push({ weight: item.weight });
    if (item.weight > KILOGRAMS_MAX) log.warn('parcel too heavy: %s kg in %s', item.weight, order.id);
  }
  log.info('order packed: %s in %s parcels', order.id, parcels.length);
  return parcels;
}
