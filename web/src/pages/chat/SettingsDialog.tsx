import { RotateCcw } from 'lucide-react';
import type { ReactNode } from 'react';
import { apiKey } from '@/api/http';
import { useStore } from '@/lib/store';
import { Button } from '@/ui/Button';
import { Dialog } from '@/ui/Dialog';
import { Slider } from '@/ui/Slider';
import { defaults, settings, type Settings } from './settings';

const field = 'w-full rounded-lg border border-line-strong/60 bg-bg px-3 text-base sm:text-sm';

export function SettingsDialog({ onClose }: { onClose: () => void }) {
  const chosen = useStore(settings);
  const key = useStore(apiKey);
  const set = (change: Partial<Settings>) => settings.set({ ...chosen, ...change });
  return (
    <Dialog title="Settings" side="right" onClose={onClose}>
      <div className="flex flex-1 flex-col gap-6 overflow-y-auto px-5 py-5">
        <Field label="Instructions" hint="What the model is told before your first question.">
          <textarea
            rows={3}
            value={chosen.system}
            placeholder="The model’s own"
            onChange={(event) => set({ system: event.target.value })}
            className={`${field} resize-y py-2 placeholder:text-muted`}
          />
        </Field>
        <Slider
          label="Temperature"
          hint={chosen.temperature === 0 ? 'Always the most likely token.' : 'Higher is more varied.'}
          value={chosen.temperature}
          min={0}
          max={2}
          step={0.05}
          onValue={(temperature) => set({ temperature })}
        />
        <Slider
          label="Top-p"
          hint={chosen.topP === 1 ? 'Off.' : 'The likeliest tokens that make up this share.'}
          value={chosen.topP}
          min={0.05}
          max={1}
          step={0.05}
          onValue={(topP) => set({ topP })}
        />
        <Slider
          label="Top-k"
          hint={chosen.topK === 0 ? 'Off.' : 'This many of the likeliest tokens.'}
          value={chosen.topK}
          min={0}
          max={200}
          step={1}
          onValue={(topK) => set({ topK })}
        />
        <Slider
          label="Repetition penalty"
          hint={chosen.repetitionPenalty === 1 ? 'Off.' : 'Tokens that were there before become less likely.'}
          value={chosen.repetitionPenalty}
          min={1}
          max={2}
          step={0.05}
          onValue={(repetitionPenalty) => set({ repetitionPenalty })}
        />
        <Slider
          label="Longest answer"
          hint={chosen.maxTokens === 0 ? 'Until the context is full.' : 'In tokens.'}
          value={chosen.maxTokens}
          min={0}
          max={4096}
          step={64}
          onValue={(maxTokens) => set({ maxTokens })}
        />
        <Field label="Seed" hint="The same seed gives the same answer. Empty: another one each time.">
          <input
            inputMode="numeric"
            value={chosen.seed}
            placeholder="Random"
            onChange={(event) => set({ seed: event.target.value.replace(/\D/g, '').slice(0, 15) })}
            className={`${field} h-10 placeholder:text-muted`}
          />
        </Field>
        <Field label="API key" hint="Where the server wants one. Kept in this browser.">
          <input
            type="password"
            autoComplete="off"
            value={key}
            onChange={(event) => apiKey.set(event.target.value.trim())}
            className={`${field} h-10`}
          />
        </Field>
      </div>
      <footer className="flex justify-between border-t border-line p-4">
        <Button icon={RotateCcw} onClick={() => settings.set({ ...defaults, model: chosen.model })}>
          Reset
        </Button>
        <Button kind="primary" onClick={onClose}>
          Done
        </Button>
      </footer>
    </Dialog>
  );
}

function Field({ label, hint, children }: { label: string; hint: string; children: ReactNode }) {
  return (
    <label className="block">
      <span className="text-sm font-medium">{label}</span>
      <span className="mt-1.5 block">{children}</span>
      <span className="mt-1 block text-xs text-muted">{hint}</span>
    </label>
  );
}
