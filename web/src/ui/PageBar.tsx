import { createContext, useContext, type ReactNode } from 'react';
import { createPortal } from 'react-dom';

/** Where a page's own controls go in the bar at the top. */
export const PageBarSlot = createContext<HTMLElement | null>(null);

export function PageBar({ children }: { children: ReactNode }) {
  const slot = useContext(PageBarSlot);
  return slot && createPortal(children, slot);
}
