import type { LucideIcon } from 'lucide-react';
import type { ComponentProps } from 'react';

type Kind = 'primary' | 'quiet' | 'danger';

const looks: Record<Kind, string> = {
  primary: 'bg-accent text-on-accent hover:bg-accent-strong',
  quiet: 'border border-line bg-surface hover:bg-sunken',
  danger: 'bg-danger-soft text-danger hover:brightness-95',
};

interface Props extends ComponentProps<'button'> {
  kind?: Kind;
  icon?: LucideIcon;
}

export function Button({ kind = 'quiet', icon: Icon, className = '', children, ...rest }: Props) {
  return (
    <button
      type="button"
      className={`inline-flex h-9 shrink-0 items-center justify-center gap-2 rounded-lg px-3.5 text-sm font-medium transition-colors disabled:opacity-45 ${looks[kind]} ${className}`}
      {...rest}
    >
      {Icon && <Icon aria-hidden className="size-4" />}
      {children}
    </button>
  );
}
