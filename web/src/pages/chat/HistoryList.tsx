import { Download, Plus, Search, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { download } from '@/lib/clipboard';
import { useStore } from '@/lib/store';
import { Button } from '@/ui/Button';
import { ConfirmDialog } from '@/ui/ConfirmDialog';
import { IconButton } from '@/ui/IconButton';
import { search } from './history';
import { history, session } from './state';
import { useChatId } from './useChatId';

/** Earlier chats, in the sidebar. */
export default function HistoryList({ onNavigate }: { onNavigate: () => void }) {
  const all = useStore(history.list);
  const [openId, open] = useChatId();
  const [query, setQuery] = useState('');
  const [isClearing, setClearing] = useState(false);
  const found = search(all, query);

  const go = (id: string | null) => {
    open(id);
    onNavigate();
  };
  const remove = (id: string) => {
    session.remove(id);
    if (id === openId) open(null);
  };

  return (
    <section aria-label="Chats" className="flex h-full flex-col">
      <div className="flex flex-col gap-2 px-3">
        <Button icon={Plus} onClick={() => go(null)} className="w-full">
          New chat
        </Button>
        <label className="relative block">
          <span className="sr-only">Search chats</span>
          <Search aria-hidden className="absolute top-2.5 left-3 size-4 text-muted" />
          <input
            type="search"
            value={query}
            placeholder="Search"
            onChange={(event) => setQuery(event.target.value)}
            className="h-9 w-full rounded-lg bg-sunken pr-2 pl-9 text-base placeholder:text-muted sm:text-sm"
          />
        </label>
      </div>
      <ul className="mt-2 min-h-0 flex-1 overflow-y-auto px-2">
        {found.map(({ id, title }) => (
          <li key={id} className="group relative">
            <button
              type="button"
              onClick={() => go(id)}
              aria-current={id === openId ? 'true' : undefined}
              className="block w-full truncate rounded-lg py-2 pr-9 pl-2.5 text-left text-sm hover:bg-sunken aria-[current]:bg-sunken aria-[current]:font-medium"
            >
              {title}
            </button>
            <IconButton
              icon={Trash2}
              label={`Delete ${title}`}
              onClick={() => remove(id)}
              className="absolute top-0 right-0 focus-visible:opacity-100 group-hover:opacity-100 pointer-fine:opacity-0"
            />
          </li>
        ))}
        {all.length === 0 && <li className="px-2.5 py-2 text-sm text-muted">Your chats stay in this browser.</li>}
        {all.length > 0 && found.length === 0 && (
          <li className="px-2.5 py-2 text-sm text-muted">No chat has these words.</li>
        )}
      </ul>
      {all.length > 0 && (
        <div className="flex gap-1 px-3 py-2">
          <IconButton
            icon={Download}
            label="Export all chats"
            onClick={() => download('speedwins-chats.json', 'application/json', history.exportAll())}
          />
          <IconButton icon={Trash2} label="Delete all chats" onClick={() => setClearing(true)} />
        </div>
      )}
      {isClearing && (
        <ConfirmDialog
          title={`Delete all ${all.length} chats?`}
          text="They are kept in this browser only. Export them first if you may want them again."
          action="Delete all"
          onCancel={() => setClearing(false)}
          onConfirm={() => {
            setClearing(false);
            session.clear();
            go(null);
          }}
        />
      )}
    </section>
  );
}
