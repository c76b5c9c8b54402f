import { describe, expect, it } from "vitest";
import { FakeTrack } from "./fakes";
import { type DisplayDevices, ScreenShare } from "./screen_share";

const offering = (answer: () => Promise<FakeTrack | null>): DisplayDevices => ({
  getDisplayMedia: async () => {
    const track = await answer();
    return { getVideoTracks: () => (track ? [track] : []) } as unknown as MediaStream;
  },
});
const refusing = (name: string, message = ""): DisplayDevices => offering(() => Promise.reject(Object.assign(new Error(message), { name })));

describe("showing one's screen", () => {
  it("runs until the browser's own bar ends it", async () => {
    const track = new FakeTrack("video");
    const share = new ScreenShare(offering(async () => track));
    expect(await share.start()).toBe(track);
    expect(share.state.value.track).toBe(track);
    track.dispatchEvent(new Event("ended"));
    expect(share.state.value).toEqual({ track: null, isAsking: false, problem: null });
  });

  it("stops the capture with it", async () => {
    const track = new FakeTrack("video");
    const share = new ScreenShare(offering(async () => track));
    await share.start();
    share.stop();
    expect(track.readyState).toBe("ended");
  });

  it("lets go of a screen that was chosen after the court had said no", async () => {
    const track = new FakeTrack("video");
    let choose = (): void => undefined;
    const share = new ScreenShare(offering(() => new Promise((resolve) => (choose = () => resolve(track)))));
    const asked = share.start();
    share.stop();
    choose();
    expect(await asked).toBeNull();
    expect(track.readyState).toBe("ended");
    expect(share.state.value.track).toBeNull();
  });

  it.each([
    ["NotAllowedError", "Permission denied", null],
    ["NotAllowedError", "Permission denied by system", "system_denied"],
    ["AbortError", "", null],
    ["NotReadableError", "", "failed"],
  ] as const)("%s (%s) is %s", async (name, message, problem) => {
    const share = new ScreenShare(refusing(name, message));
    expect(await share.start()).toBeNull();
    expect(share.state.value).toEqual({ track: null, isAsking: false, problem });
  });

  it("is not offered where the browser cannot", async () => {
    const share = new ScreenShare(undefined);
    expect(share.isPossible).toBe(false);
    expect(await share.start()).toBeNull();
  });
});
