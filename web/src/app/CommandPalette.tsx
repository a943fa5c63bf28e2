import { Search } from 'lucide-react';
import { useId, useState } from 'react';
import { flushSync } from 'react-dom';
import { fuzzyFilter } from '@/lib/fuzzy';
import { useStore } from '@/lib/store';
import { Dialog } from '@/ui/Dialog';
import { Keys } from '@/ui/Keys';
import { commands, type Command } from './commands';

/** Everything that can be done now, by typing a part of its name. */
export function CommandPalette({ onClose }: { onClose: () => void }) {
  const all = useStore(commands);
  const [query, setQuery] = useState('');
  const [active, setActive] = useState(0);
  const list = useId();
  const found = fuzzyFilter(query, all, ({ title }) => [title]);

  const run = (command: Command | undefined) => {
    if (!command) return;
    flushSync(onClose); // under an open dialog nothing can be focused
    command.run();
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && found.length > 0) {
      event.preventDefault();
      setActive((active + step + found.length) % found.length);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      run(found[active]);
    }
  };

  return (
    <Dialog title="Commands" onClose={onClose} isBare>
      <div className="flex items-center gap-3 border-b border-line px-4">
        <Search aria-hidden className="size-4 text-muted" />
        <input
          autoFocus
          role="combobox"
          aria-expanded
          aria-controls={list}
          aria-activedescendant={found[active] ? `${list}-${active}` : undefined}
          aria-label="Search commands"
          placeholder="What would you like to do?"
          value={query}
          onChange={(event) => {
            setQuery(event.target.value);
            setActive(0);
          }}
          onKeyDown={onKeyDown}
          className="h-13 min-w-0 flex-1 bg-transparent outline-none placeholder:text-muted"
        />
        <Keys shortcut="escape" />
      </div>
      <ul id={list} role="listbox" aria-label="Commands" className="overflow-y-auto p-2">
        {found.map((command, i) => (
          <li
            key={command.id}
            id={`${list}-${i}`}
            role="option"
            aria-selected={i === active}
            onPointerMove={() => setActive(i)}
            onClick={() => run(command)}
            className="flex h-10 items-center gap-3 rounded-lg px-3 text-sm aria-selected:bg-sunken"
          >
            <command.icon aria-hidden className="size-4 shrink-0 text-muted" />
            <span className="min-w-0 flex-1 truncate">{command.title}</span>
            {command.shortcut && <Keys shortcut={command.shortcut} />}
          </li>
        ))}
        {found.length === 0 && <li className="px-3 py-6 text-center text-sm text-muted">Nothing of that name.</li>}
      </ul>
    </Dialog>
  );
}
