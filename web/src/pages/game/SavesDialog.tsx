import { Check, Download, Share2, Trash2, Upload } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { asFailure } from '@/api/errors';
import { copyText, download } from '@/lib/clipboard';
import { plural, whole } from '@/lib/format';
import { Button } from '@/ui/Button';
import { ConfirmDialog } from '@/ui/ConfirmDialog';
import { Dialog } from '@/ui/Dialog';
import { IconButton } from '@/ui/IconButton';
import * as api from './api';
import { session } from './game';
import type { Slot } from './types';

/** Saved games: copies, other slots, files and share codes. */
export function SavesDialog({ onClose }: { onClose: () => void }) {
  const [slots, setSlots] = useState<Slot[]>([]);
  const [name, setName] = useState('');
  const [code, setCode] = useState('');
  const [message, setMessage] = useState('');
  const [isResetting, setResetting] = useState(false);
  const file = useRef<HTMLInputElement>(null);

  useEffect(() => {
    api.fetchSession().then(
      ({ slots: found }) => setSlots(found),
      (thrown) => setMessage(asFailure(thrown).message),
    );
  }, []);
  const act = async (run: () => Promise<string>) => {
    try {
      setMessage(await run());
    } catch (thrown) {
      setMessage(asFailure(thrown).message);
    }
  };
  const reload = async () => setSlots((await api.fetchSession()).slots);
  const save = () =>
    act(async () => {
      setSlots((await api.postSave(session.slot, name)).slots);
      setName('');
      return `Saved as ${name}.`;
    });
  const importFile = (chosen: File | undefined) =>
    chosen &&
    act(async () => {
      const text = await chosen.text();
      let save: unknown;
      try {
        save = JSON.parse(text);
      } catch {
        return 'This file is no saved game: it is not JSON.';
      }
      await session.replaceBy({ save });
      await reload();
      return session.failure.get()?.message ?? 'The game was loaded.';
    });

  return (
    <Dialog title="Saved games" onClose={onClose}>
      <div className="flex flex-col gap-5 overflow-y-auto px-5 py-4 text-sm">
        <ul className="flex flex-col gap-1">
          {slots.map(({ slot, discovered, score, saved_at }) => (
            <li key={slot} className="flex items-center gap-2">
              <button
                type="button"
                aria-current={slot === session.slot ? 'true' : undefined}
                onClick={() => void act(() => session.openSlot(slot).then(() => `Playing ${slot}.`))}
                className="flex min-w-0 flex-1 items-baseline gap-3 rounded-lg px-3 py-2 text-left hover:bg-sunken aria-[current]:bg-accent-soft"
              >
                <span className="truncate font-medium">{slot}</span>
                <span className="flex-1 text-right text-xs text-muted">
                  {plural(discovered, 'discovery').replace('discoverys', 'discoveries')} · {whole(score)} points ·{' '}
                  {new Date(1000 * saved_at).toLocaleDateString()}
                </span>
              </button>
              {slot !== session.slot && (
                <IconButton
                  icon={Trash2}
                  label={`Delete ${slot}`}
                  onClick={() =>
                    void act(async () => {
                      setSlots((await api.postDelete(slot)).slots);
                      return `${slot} is deleted.`;
                    })
                  }
                />
              )}
            </li>
          ))}
          {slots.length === 0 && <li className="text-muted">Nothing is saved before your first move.</li>}
        </ul>
        <form
          className="flex gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            if (name !== '') void save();
          }}
        >
          <input
            aria-label="Name of a copy"
            placeholder="Keep a copy as…"
            value={name}
            onChange={(event) => setName(event.target.value.replace(/[^\w-]/g, '').slice(0, 32))}
            className="h-9 min-w-0 flex-1 rounded-lg bg-sunken px-3 text-base placeholder:text-muted sm:text-sm"
          />
          <Button type="submit" icon={Check} disabled={name === ''}>
            Keep
          </Button>
        </form>
        <form
          className="flex gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            void act(async () => {
              await session.replaceBy({ code });
              await reload();
              return session.failure.get()?.message ?? 'You know now what the code says.';
            });
          }}
        >
          <input
            aria-label="Share code"
            placeholder="Begin with a share code…"
            value={code}
            onChange={(event) => setCode(event.target.value.trim())}
            className="h-9 min-w-0 flex-1 rounded-lg bg-sunken px-3 text-base placeholder:text-muted sm:text-sm"
          />
          <Button type="submit" disabled={code === ''}>
            Use
          </Button>
        </form>
        <div className="flex flex-wrap gap-2">
          <Button
            icon={Download}
            onClick={() =>
              void act(async () => {
                download(
                  'speedwins-game.json',
                  'application/json',
                  JSON.stringify(await api.fetchExport(session.slot)),
                );
                return 'Exported.';
              })
            }
          >
            Export
          </Button>
          <Button icon={Upload} onClick={() => file.current?.click()}>
            Import
          </Button>
          <input
            ref={file}
            type="file"
            accept="application/json,.json"
            aria-label="Import a saved game"
            className="hidden"
            onChange={(event) => void importFile(event.target.files?.[0])}
          />
          <Button
            icon={Share2}
            onClick={() =>
              void act(async () => {
                const { code: mine } = await api.fetchShareCode(session.slot);
                return (await copyText(mine)) ? `Copied your share code: ${mine}` : mine;
              })
            }
          >
            Share
          </Button>
          <Button kind="danger" icon={Trash2} onClick={() => setResetting(true)}>
            Begin anew
          </Button>
        </div>
        <p role="status" className="min-h-5 break-all text-muted">
          {message}
        </p>
      </div>
      {isResetting && (
        <ConfirmDialog
          title={`Begin “${session.slot}” anew?`}
          text="Its discoveries are gone then. Keep a copy or export it first if you may want it back."
          action="Begin anew"
          onCancel={() => setResetting(false)}
          onConfirm={() => {
            setResetting(false);
            void act(async () => {
              await session.reset();
              session.board.clear();
              await reload();
              return 'A new game.';
            });
          }}
        />
      )}
    </Dialog>
  );
}
