import { Store, useStore } from '@/lib/store';
import type { Id } from './types';

const card = new Store<Id | null>(null);

/** The concept whose card is open. */
export function useCard(): [Id | null, (id: Id | null) => void] {
  return [useStore(card), card.set];
}
