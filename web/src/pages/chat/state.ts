import { models } from '@/api/models';
import { browserStorage } from '@/lib/storage';
import { Store } from '@/lib/store';
import { History } from './history';
import { ChatSession } from './session';
import { settings } from './settings';

export const history = new History(browserStorage());

/** The chosen model where the server has it, otherwise the server's first. */
export function currentModel(): string {
  const known = models.get();
  const { model } = settings.get();
  return known.some(({ id }) => id === model) ? model : (known[0]?.id ?? model);
}

export const session = new ChatSession(history, () => ({ ...settings.get(), model: currentModel() }));

/** Which panel of the page is open. */
export const isSettingsOpen = new Store(false);

window.addEventListener('storage', (event) => history.reload(event.key));
window.addEventListener('pagehide', () => session.keepRunning());
