/** 0.84 ms · 8.4 ms · 84 ms · 1.24 s · 12 s: about three figures, so that values can be compared at a glance. */
export function milliseconds(ms: number): string {
  if (ms >= 9950) return `${Math.round(ms / 1000)} s`;
  if (ms >= 999.5) return `${(ms / 1000).toFixed(2)} s`;
  if (ms >= 9.95) return `${Math.round(ms)} ms`;
  if (ms >= 0.995) return `${ms.toFixed(1)} ms`;
  return ms > 0 ? `${ms.toFixed(2)} ms` : '0 ms';
}

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** 4,183 */
export const whole = (value: number): string => grouped.format(value);
/** 4.2K */
export const compact = (value: number): string => short.format(value);

export const percent = (share: number): string => `${Math.round(100 * share)} %`;

export const plural = (count: number, noun: string): string => `${whole(count)} ${noun}${count === 1 ? '' : 's'}`;

/** 12.3 MB */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let value = count;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
