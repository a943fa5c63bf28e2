import { Activity, MessageCircle, Puzzle, type LucideIcon } from 'lucide-react';
import { lazy, type ComponentType, type LazyExoticComponent } from 'react';
import paths from './paths.json';

export interface Page {
  path: string;
  title: string;
  icon: LucideIcon;
  View: LazyExoticComponent<ComponentType>;
  /** What the page adds to the sidebar below the navigation. */
  Aside?: LazyExoticComponent<ComponentType<{ onNavigate: () => void }>>;
}

/** A page is a folder in pages/, its path in paths.json (the program serves the same document there), and an entry here. */
export const pages: readonly Page[] = [
  {
    path: paths.chat,
    title: 'Chat',
    icon: MessageCircle,
    View: lazy(() => import('@/pages/chat/ChatPage')),
    Aside: lazy(() => import('@/pages/chat/HistoryList')),
  },
  { path: paths.live, title: 'Live', icon: Activity, View: lazy(() => import('@/pages/live/LivePage')) },
  { path: paths.game, title: 'Game', icon: Puzzle, View: lazy(() => import('@/pages/game/GamePage')) },
];
