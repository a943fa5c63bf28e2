import { shortcutText } from '@/app/commands';

/** A shortcut, drawn as a key. Phones have no keys, so it is not there on small screens. */
export function Keys({ shortcut }: { shortcut: string }) {
  return (
    <kbd className="hidden rounded border border-line px-1.5 py-0.5 font-sans text-xs whitespace-nowrap text-muted sm:block">
      {shortcutText(shortcut)}
    </kbd>
  );
}
