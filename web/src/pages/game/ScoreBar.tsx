import { Lightbulb, MoreHorizontal, Undo2, Volume2, VolumeX } from 'lucide-react';
import { useState } from 'react';
import { whole } from '@/lib/format';
import { useStore } from '@/lib/store';
import { IconButton } from '@/ui/IconButton';
import { session, type Game } from './game';
import { SavesDialog } from './SavesDialog';
import { isMuted } from './sound';

export function ScoreBar({ game }: { game: Game }) {
  const { state, known, book } = game;
  const muted = useStore(isMuted);
  const [isSaving, setSaving] = useState(false);
  return (
    <div className="pointer-events-auto flex items-center gap-3 self-start rounded-xl border border-line bg-surface py-1 pr-1 pl-3.5 text-sm shadow-float">
      <p className="tabular-nums">
        <span className="font-semibold">{known.size}</span>
        <span className="text-muted"> of {book.content.concepts.length}</span>
      </p>
      <p className="tabular-nums max-sm:hidden">
        <span className="text-muted">{state.level.title} · </span>
        {whole(state.score)} <span className="text-muted">points</span>
      </p>
      {state.streak > 1 && <p className="text-muted max-sm:hidden">{state.streak} predicted in a row</p>}
      <span className="flex">
        <IconButton icon={Lightbulb} label="Hint" onClick={() => void session.askHint()} />
        <IconButton icon={Undo2} label="Undo" disabled={!state.can_undo} onClick={() => void session.undo()} />
        <IconButton
          icon={muted ? VolumeX : Volume2}
          label={muted ? 'Sound on' : 'Sound off'}
          onClick={() => isMuted.set(!muted)}
        />
        <IconButton icon={MoreHorizontal} label="Saved games" onClick={() => setSaving(true)} />
      </span>
      {isSaving && <SavesDialog onClose={() => setSaving(false)} />}
    </div>
  );
}
