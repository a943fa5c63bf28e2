/** Three bars of a waterfall, the product in a sign. */
export function Logo() {
  return (
    <span className="flex items-center gap-2.5 font-semibold tracking-tight">
      <svg viewBox="0 0 32 32" aria-hidden className="size-6">
        <rect width="32" height="32" rx="8" className="fill-accent" />
        <path d="M8 10h9M8 16h14M8 22h5" strokeWidth="3" strokeLinecap="round" className="stroke-on-accent" />
      </svg>
      Speed Wins
    </span>
  );
}
