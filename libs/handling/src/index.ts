export type { Delivery, EventDelivery, InboundDelivery, Settlement } from './delivery.ts';
