import { Command as CommandIcon, Monitor, Moon, Sun } from 'lucide-react';
import { Suspense } from 'react';
import { Link, useLocation } from 'wouter';
import { useStore } from '@/lib/store';
import { IconButton } from '@/ui/IconButton';
import { Logo } from '@/ui/Logo';
import { pages, type Page } from './pages';
import { ServerStatus } from './ServerStatus';
import { nextTheme, theme } from './theme';

const themeIcons = { system: Monitor, light: Sun, dark: Moon };

interface Props {
  page: Page;
  onPalette: () => void;
  onNavigate: () => void;
}

export function Sidebar({ page, onPalette, onNavigate }: Props) {
  const [location] = useLocation();
  const chosen = useStore(theme);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex h-14 shrink-0 items-center px-4">
        <Logo />
      </div>
      <nav aria-label="Pages" className="flex shrink-0 flex-col gap-0.5 px-2">
        {pages.map(({ path, title, icon: Icon }) => (
          <Link
            key={path}
            href={path}
            onClick={onNavigate}
            aria-current={location === path ? 'page' : undefined}
            className="flex h-9 items-center gap-3 rounded-lg px-2.5 text-sm font-medium text-muted transition-colors hover:bg-sunken hover:text-ink aria-[current=page]:bg-sunken aria-[current=page]:text-ink"
          >
            <Icon aria-hidden className="size-[1.05rem]" />
            {title}
          </Link>
        ))}
      </nav>
      <div className="mt-3 min-h-0 flex-1">
        <Suspense>{page.Aside && <page.Aside onNavigate={onNavigate} />}</Suspense>
      </div>
      <footer className="flex h-12 shrink-0 items-center gap-1 border-t border-line pr-2 pl-4">
        <ServerStatus />
        <span className="flex-1" />
        <IconButton icon={CommandIcon} label="Commands" onClick={onPalette} />
        <IconButton icon={themeIcons[chosen]} label={`Theme: ${chosen}`} onClick={nextTheme} />
      </footer>
    </div>
  );
}
