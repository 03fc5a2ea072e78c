export { deliveryFold, FOLDED } from './fold.ts';
