import type { LucideIcon } from 'lucide-react';
import { useEffect } from 'react';
import { Store } from '@/lib/store';

export interface Command {
  id: string;
  title: string;
  icon: LucideIcon;
  /** As `KeyboardEvent.key`, with `mod+` for Ctrl or ⌘ and `shift+`; also works while the palette is closed. */
  shortcut?: string;
  run: () => void;
}

/** What can be done now: each mounted component adds its own. */
export const commands = new Store<readonly Command[]>([]);

export function useCommands(mine: readonly Command[]): void {
  useEffect(() => {
    commands.set([...commands.get(), ...mine]);
    return () => commands.set(commands.get().filter((command) => !mine.includes(command)));
  }, [mine]);
}

export const isMac = /mac|iphone|ipad/i.test(navigator.userAgent);

/** The command a key press means, if any. Plain keys mean nothing while one writes. */
export function commandFor(event: KeyboardEvent, among: readonly Command[]): Command | undefined {
  const target = event.target;
  const isWriting =
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
  const mod = isMac ? event.metaKey : event.ctrlKey;
  if (event.altKey || event.isComposing || (isWriting && !mod && event.key !== 'Escape')) return undefined;
  const shift = event.shiftKey && event.key.length > 1 ? true : event.shiftKey && /[a-z]/i.test(event.key);
  const pressed = `${mod ? 'mod+' : ''}${shift ? 'shift+' : ''}${event.key.toLowerCase()}`;
  return among.find(({ shortcut }) => shortcut === pressed);
}

/** `mod+shift+o` as one sees it on this keyboard. */
export function shortcutText(shortcut: string): string {
  return shortcut
    .split('+')
    .map((key) => {
      if (key === 'mod') return isMac ? '⌘' : 'Ctrl';
      if (key === 'shift') return isMac ? '⇧' : 'Shift';
      if (key === 'escape') return 'Esc';
      return key.length === 1 ? key.toUpperCase() : key;
    })
    .join(isMac ? '' : ' ');
}
