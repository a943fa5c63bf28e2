import { browserStorage } from '@/lib/storage';
import { Store } from '@/lib/store';
import type { GameEvent } from './types';

const key = 'speedwins.game.sound';
export const isMuted = new Store(browserStorage().getItem(key) === 'off');
isMuted.subscribe(() => browserStorage().setItem(key, isMuted.get() ? 'off' : 'on'));

let context: AudioContext | null = null;

/** Notes one after the other, in hertz. */
function notes(pitches: readonly number[], gain: number): void {
  context ??= new AudioContext();
  const begin = context.currentTime;
  for (const [i, pitch] of pitches.entries()) {
    const at = begin + 0.07 * i;
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.type = 'sine';
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(gain, at + 0.01);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.25);
    tone.connect(volume).connect(context.destination);
    tone.start(at);
    tone.stop(at + 0.26);
  }
}

export function play(events: readonly GameEvent[]): void {
  if (isMuted.get() || typeof AudioContext === 'undefined') return;
  const has = (type: GameEvent['type']) => events.some((event) => event.type === type);
  if (has('level_up') || has('chapter_complete')) notes([523, 659, 784, 1047], 0.06);
  else if (has('discovered')) notes([523, 784], 0.06);
  else if (has('another_way') || has('known')) notes([523], 0.04);
  else if (has('misconception') || has('nothing')) notes([196], 0.04);
}
