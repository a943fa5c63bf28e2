export function ProgressBar({ label, value, of }: { label: string; value: number; of: number }) {
  return (
    <span className="flex items-center gap-2 text-xs text-muted tabular-nums">
      <span
        role="progressbar"
        aria-label={label}
        aria-valuenow={value}
        aria-valuemin={0}
        aria-valuemax={of}
        className="h-1.5 min-w-0 flex-1 overflow-hidden rounded-full bg-sunken"
      >
        <span
          className="block h-full rounded-full bg-accent"
          style={{ width: `${of > 0 ? (100 * value) / of : 0}%` }}
        />
      </span>
      {value}/{of}
    </span>
  );
}
