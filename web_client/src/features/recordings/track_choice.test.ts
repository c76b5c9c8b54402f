import { describe, expect, it } from "vitest";
import type { SingleTrack, TrackShown } from "@/model/types";
import { byPerson, isThere, toggled } from "./track_choice";

const track = (person_id: string, shown: TrackShown): SingleTrack => ({
  person_id, shown, name: person_id, label: { zh: "原告", en: "Plaintiff" }, spans: [[2, 8]], state: "none", progress: 0, playlist_url: "", small_playlist_url: "",
});

describe("choosing single tracks", () => {
  it("groups by person, camera first", () => {
    const people = byPerson([track("a", "voice"), track("b", "screen"), track("a", "camera")]);
    expect(people.map((one) => [one.person_id, one.tracks.map((each) => each.shown)])).toEqual([["a", ["camera", "voice"]], ["b", ["screen"]]]);
  });
  it("never plays a person's voice twice, and no more than the device can", () => {
    expect(toggled(["a/voice"], track("a", "camera"), 4)).toEqual(["a/camera"]);
    expect(toggled(["a/camera"], track("a", "screen"), 4)).toEqual(["a/camera", "a/screen"]);
    expect(toggled(["a/camera", "b/camera"], track("c", "camera"), 2)).toEqual(["a/camera", "b/camera"]);
    expect(toggled(["a/camera", "b/camera"], track("b", "camera"), 2)).toEqual(["a/camera"]);
  });
  it("knows where in the film a track stands", () => {
    expect([1, 2, 7.9, 8].map((second) => isThere(track("a", "camera"), second))).toEqual([false, true, true, false]);
  });
});
