import { useSyncExternalStore } from 'react';
import { browserStorage } from '@/lib/storage';
import { Store, useStore } from '@/lib/store';

export type Theme = 'system' | 'light' | 'dark';

const key = 'speedwins.theme'; // public/theme.js reads it before the first paint

function stored(): Theme {
  const value = browserStorage().getItem(key);
  return value === 'light' || value === 'dark' ? value : 'system';
}

export const theme = new Store<Theme>(stored());

theme.subscribe(() => {
  const chosen = theme.get();
  if (chosen === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = chosen;
  browserStorage().setItem(key, chosen);
});

const order: Theme[] = ['system', 'light', 'dark'];

export function nextTheme(): void {
  theme.set(order[(order.indexOf(theme.get()) + 1) % order.length] ?? 'system');
}

const prefersDark = window.matchMedia('(prefers-color-scheme: dark)');

/** Whether the page is dark now, for what CSS cannot colour. */
export function useIsDark(): boolean {
  const chosen = useStore(theme);
  const system = useSyncExternalStore(
    (changed) => {
      prefersDark.addEventListener('change', changed);
      return () => prefersDark.removeEventListener('change', changed);
    },
    () => prefersDark.matches,
  );
  return chosen === 'dark' || (chosen === 'system' && system);
}
