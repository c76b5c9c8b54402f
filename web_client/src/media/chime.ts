/** Two soft notes before a person is called in: phones lie on tables. Made in the browser, no file to load. */
import { audioContext } from "./level_meter";

const NOTES_HZ = [660, 880] as const;
const NOTE_S = 0.35;

export function chime(): void {
  navigator.vibrate?.([200, 120, 200]);
  const context = audioContext();
  if (context?.state !== "running") return;
  NOTES_HZ.forEach((frequency, index) => {
    const startS = context.currentTime + index * NOTE_S;
    const tone = new OscillatorNode(context, { frequency });
    const volume = new GainNode(context, { gain: 0 });
    volume.gain.setValueAtTime(0, startS);
    volume.gain.linearRampToValueAtTime(0.2, startS + 0.03);
    volume.gain.exponentialRampToValueAtTime(0.001, startS + NOTE_S);
    tone.connect(volume).connect(context.destination);
    tone.start(startS);
    tone.stop(startS + NOTE_S);
  });
}
