import { Command as CommandIcon, Menu, SunMoon } from 'lucide-react';
import { Suspense, useEffect, useMemo, useState } from 'react';
import { useLocation } from 'wouter';
import { watchServer } from '@/api/models';
import { Dialog } from '@/ui/Dialog';
import { IconButton } from '@/ui/IconButton';
import { PageBarSlot } from '@/ui/PageBar';
import { CommandPalette } from './CommandPalette';
import { commandFor, commands, useCommands } from './commands';
import { pages, type Page } from './pages';
import { Sidebar } from './Sidebar';
import { nextTheme } from './theme';

export function App() {
  const [location, navigate] = useLocation();
  const [isMenuOpen, setMenuOpen] = useState(false);
  const [isPaletteOpen, setPaletteOpen] = useState(false);
  const [pageBar, setPageBar] = useState<HTMLElement | null>(null);
  const page = pages.find(({ path }) => path === location) ?? (pages[0] as Page);

  useEffect(watchServer, []);
  useEffect(() => {
    document.title = `${page.title} · Speed Wins`;
  }, [page]);

  useCommands(
    useMemo(
      () => [
        ...pages.map(({ path, title, icon }) => ({
          id: `go-${path}`,
          title: `Go to ${title}`,
          icon,
          run: () => navigate(path),
        })),
        { id: 'theme', title: 'Switch theme: system, light, dark', icon: SunMoon, run: nextTheme },
        {
          id: 'palette',
          title: 'Show all commands',
          icon: CommandIcon,
          shortcut: 'mod+k',
          run: () => setPaletteOpen(true),
        },
      ],
      [navigate],
    ),
  );
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (document.querySelector('dialog[open]')) return;
      const command = commandFor(event, commands.get());
      if (!command) return;
      event.preventDefault();
      command.run();
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, []);

  const openPalette = () => {
    setMenuOpen(false);
    setPaletteOpen(true);
  };
  return (
    <div className="flex h-full">
      <a
        href="#main"
        className="absolute -top-20 left-3 z-10 rounded-lg bg-accent px-4 py-2 text-on-accent focus:top-3"
      >
        Skip to content
      </a>
      <aside className="hidden w-64 shrink-0 border-r border-line bg-surface lg:block">
        <Sidebar page={page} onPalette={openPalette} onNavigate={() => undefined} />
      </aside>
      <div className="flex min-w-0 flex-1 flex-col">
        <header className="flex h-13 shrink-0 items-center gap-1 border-b border-line bg-surface px-2 lg:bg-transparent lg:px-4">
          <IconButton icon={Menu} label="Menu" onClick={() => setMenuOpen(true)} className="size-11 lg:hidden" />
          <h1 className="sr-only">{page.title}</h1>
          <div ref={setPageBar} className="flex min-w-0 flex-1 items-center gap-1" />
        </header>
        <main id="main" tabIndex={-1} className="min-h-0 flex-1 outline-none">
          <PageBarSlot value={pageBar}>
            <Suspense>
              <page.View />
            </Suspense>
          </PageBarSlot>
        </main>
      </div>
      {isMenuOpen && (
        <Dialog title="Menu" side="left" isBare onClose={() => setMenuOpen(false)}>
          <Sidebar page={page} onPalette={openPalette} onNavigate={() => setMenuOpen(false)} />
        </Dialog>
      )}
      {isPaletteOpen && <CommandPalette onClose={() => setPaletteOpen(false)} />}
    </div>
  );
}
