import { useCallback } from 'react';
import { useLocation, useSearchParams } from 'wouter';
import paths from '@/app/paths.json';

/** Which conversation is open: in the address, so that reloading and going back work. */
export function useChatId(): [string | null, (id: string | null) => void] {
  const [parameters] = useSearchParams();
  const [, navigate] = useLocation();
  const open = useCallback(
    (id: string | null) => navigate(id === null ? paths.chat : `${paths.chat}?chat=${id}`),
    [navigate],
  );
  return [parameters.get('chat'), open];
}
