import { describe, expect, it } from "vitest";
import { correction, FAR_S, InStep, MOST_BEND, NEAR_S, type Playable } from "./in_step";

class FakeFilm implements Playable {
  paused = true;
  seeking = false;
  readyState = 4;
  playbackRate = 1;
  duration = 100;
  constructor(
    public currentTime = 0,
    private readonly speed = 1,
  ) {}
  play(): Promise<void> {
    this.paused = false;
    return Promise.resolve();
  }
  pause(): void {
    this.paused = true;
  }
  pass(seconds: number): void {
    if (!this.paused && this.readyState >= 3) this.currentTime = Math.min(this.duration, this.currentTime + seconds * this.playbackRate * this.speed);
  }
}

function stage(...films: FakeFilm[]): { together: InStep; pass: (seconds: number) => void } {
  const together = new InStep();
  films.forEach((film, number) => together.set(String(number), film));
  return {
    together,
    pass: (seconds) => {
      for (let step = 0; step < seconds * 4; step += 1) {
        for (const film of films) film.pass(0.25);
        together.tick();
      }
    },
  };
}

describe("several films in step", () => {
  it("leaves alone what nobody notices, bends what is near, jumps where it is far", () => {
    expect(correction(10, 10 - NEAR_S / 2)).toEqual({ rate: 1, jumpTo: null });
    expect(correction(10, 9.95).rate).toBeGreaterThan(1);
    expect(correction(10, 10.3).rate).toBe(1 - MOST_BEND);
    expect(correction(10, 10 - FAR_S - 0.1)).toEqual({ rate: 1, jumpTo: 10 });
  });
  it("keeps a device that plays one of them a little slower within a glance", () => {
    const [first, slow] = [new FakeFilm(), new FakeFilm(0, 0.99)];
    const { together, pass } = stage(first, slow);
    together.play();
    pass(30);
    expect(Math.abs(first.currentTime - slow.currentTime)).toBeLessThan(0.1);
    expect(first.currentTime).toBeGreaterThan(29);
  });
  it("stops all while one has no bytes, and goes on with all", () => {
    const films = [new FakeFilm(), new FakeFilm(), new FakeFilm()];
    const { together, pass } = stage(...films);
    together.play();
    pass(2);
    films[1]!.readyState = 2;
    pass(1);
    expect(together.isWaiting).toBe(true);
    expect(films.map((film) => film.paused)).toEqual([true, false, true]);
    const stood = films.map((film) => film.currentTime);
    pass(3);
    expect(films.map((film) => film.currentTime)).toEqual(stood);
    films[1]!.readyState = 4;
    pass(2);
    expect(films.every((film) => !film.paused && film.currentTime > 3)).toBe(true);
  });
  it("jumps and pauses with all of them, and takes a film that comes later to where the others are", () => {
    const films = [new FakeFilm(), new FakeFilm()];
    const { together, pass } = stage(...films);
    together.play();
    together.seek(40);
    pass(1);
    expect(films.every((film) => film.currentTime > 40)).toBe(true);
    const late = new FakeFilm();
    together.set("late", late);
    expect(late.currentTime).toBeGreaterThan(40);
    together.pause();
    expect([...films, late].every((film) => film.paused)).toBe(true);
    expect(together.isPlaying).toBe(false);
  });
  it("ends where the film ends", () => {
    const films = [new FakeFilm(98), new FakeFilm(98)];
    const { together, pass } = stage(...films);
    together.play();
    pass(5);
    expect(together.isPlaying).toBe(false);
  });
});
