interface Props {
  label: string;
  hint: string;
  value: number;
  min: number;
  max: number;
  step: number;
  onValue: (value: number) => void;
}

export function Slider({ label, hint, value, min, max, step, onValue }: Props) {
  return (
    <label className="block">
      <span className="flex justify-between text-sm font-medium">
        {label}
        <output className="tabular-nums">{Number(value.toFixed(2))}</output>
      </span>
      <input
        type="range"
        aria-label={label}
        {...{ value, min, max, step }}
        onChange={(event) => onValue(event.target.valueAsNumber)}
        className="mt-2 w-full accent-accent"
      />
      <span className="mt-1 block text-xs text-muted">{hint}</span>
    </label>
  );
}
