/** Beeps and vibration, one pattern for each look; each can be off. */

import type { Look } from "./outcome";

type Beep = [hertz: number, milliseconds: number];
const BEEPS: Record<Look, Beep[]> = {
  good: [[1320, 130]],
  wait: [[330, 220]],
  ask: [[330, 220]],
  bad: [[220, 380], [220, 380]],
};
const SHAKES: Record<Look, number[]> = { good: [80], wait: [60, 60, 60], ask: [60, 60, 60], bad: [350, 120, 350] };

let context: AudioContext | undefined;

/** A browser plays nothing before the first touch: called at every one. */
export function unlock(): void {
  const Context = window.AudioContext ?? (window as { webkitAudioContext?: typeof AudioContext }).webkitAudioContext;
  if (!Context) return;
  context ??= new Context();
  if (context.state === "suspended") void context.resume().catch(() => undefined);
}

export function signalOutcome(look: Look, sound: boolean, vibration: boolean): void {
  if (vibration && navigator.userActivation?.hasBeenActive !== false) navigator.vibrate?.(SHAKES[look]);
  if (!sound || context?.state !== "running") return;
  let at = context.currentTime;
  for (const [hertz, milliseconds] of BEEPS[look]) {
    const tone = context.createOscillator();
    const gain = context.createGain();
    const end = at + milliseconds / 1000;
    tone.type = look === "good" ? "sine" : "square";
    tone.frequency.value = hertz;
    gain.gain.setValueAtTime(look === "good" ? 0.4 : 0.2, at);
    gain.gain.setValueAtTime(look === "good" ? 0.4 : 0.2, end - 0.02);
    gain.gain.linearRampToValueAtTime(0, end);
    tone.connect(gain).connect(context.destination);
    tone.start(at);
    tone.stop(end);
    at = end + 0.09;
  }
}
