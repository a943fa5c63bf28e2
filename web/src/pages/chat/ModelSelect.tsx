import { ChevronDown } from 'lucide-react';
import { models } from '@/api/models';
import { compact } from '@/lib/format';
import { useStore } from '@/lib/store';
import { settings } from './settings';
import { currentModel } from './state';

export function ModelSelect() {
  const known = useStore(models);
  const chosen = useStore(settings);
  if (known.length === 0) return <span className="px-2 text-sm text-muted">No model yet</span>;
  return (
    <label className="relative flex min-w-0 items-center">
      <span className="sr-only">Model</span>
      <select
        value={currentModel()}
        onChange={(event) => settings.set({ ...chosen, model: event.target.value })}
        className="h-9 min-w-0 appearance-none truncate rounded-lg bg-transparent pr-8 pl-2.5 text-sm font-medium hover:bg-sunken"
      >
        {known.map(({ id, parameters }) => (
          <option key={id} value={id} className="bg-surface">
            {parameters > 0 ? `${id} · ${compact(parameters)} weights` : id}
          </option>
        ))}
      </select>
      <ChevronDown aria-hidden className="pointer-events-none absolute right-2.5 size-4 text-muted" />
    </label>
  );
}
