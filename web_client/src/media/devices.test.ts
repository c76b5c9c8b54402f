import { beforeEach, describe, expect, it } from "vitest";
import { CaptureWatch, DEAD_SILENCE_MS } from "./capture_watch";
import { DeviceBook, type MediaDevicesLike, type RememberedDevices } from "./device_book";
import { browserKind, browserLacks, deviceProblem } from "./device_problem";
import { FakeClock, FakeTrack, settle } from "./fakes";
import { Observable } from "./observable";

type Asked = { audio: boolean; video: boolean };

class FakeDevices extends EventTarget {
  asked: Asked[] = [];
  wanted: MediaStreamConstraints | undefined;
  refuse: (asked: Asked) => Error | null = () => null;
  given: FakeTrack[] = [];
  plugged: Record<"audioinput" | "videoinput" | "audiooutput", string[]> = { audioinput: ["mic"], videoinput: [], audiooutput: [] };
  getUserMedia = async (wanted?: MediaStreamConstraints): Promise<MediaStream> => {
    const asked = { audio: Boolean(wanted?.audio), video: Boolean(wanted?.video) };
    this.asked.push(asked);
    this.wanted = wanted;
    const error = this.refuse(asked);
    if (error) throw error;
    const audio = asked.audio ? [new FakeTrack("audio", undefined, this.plugged.audioinput[0])] : [];
    const video = asked.video ? [new FakeTrack("video", undefined, this.plugged.videoinput[0])] : [];
    this.given.push(...audio, ...video);
    return { getAudioTracks: () => audio, getVideoTracks: () => video } as unknown as MediaStream;
  };
  enumerateDevices = async (): Promise<MediaDeviceInfo[]> =>
    Object.entries(this.plugged).flatMap(([kind, ids]) => ids.map((deviceId) => ({ kind, deviceId, label: `${deviceId}!` }) as MediaDeviceInfo));
}

const named = (name: string, message = ""): Error => Object.assign(new Error(message), { name });
const memory = (): RememberedDevices => ({ read: () => null, write: () => undefined });

describe("the book of devices", () => {
  let devices: FakeDevices;
  let book: DeviceBook;
  beforeEach(() => {
    devices = new FakeDevices();
    book = new DeviceBook(devices as unknown as MediaDevicesLike, memory());
  });

  it("asks the person once for both", async () => {
    await book.open();
    expect(devices.asked).toEqual([{ audio: true, video: true }]);
    expect(book.camera.value.track).not.toBeNull();
    expect(book.choices.value.microphone).toEqual([{ id: "mic", name: "mic!" }]);
  });

  it("keeps the microphone when the camera is taken by another program", async () => {
    devices.refuse = ({ video }) => (video ? named("NotReadableError") : null);
    await book.open();
    expect(book.microphone.value).toMatchObject({ problem: null, isOpening: false });
    expect(book.microphone.value.track?.readyState).toBe("live");
    expect(book.camera.value).toEqual({ track: null, problem: "in_use", isOpening: false });
  });

  it("asks a machine of two cores for a picture that it can encode", async () => {
    for (const [cores, lines] of [[2, 480], [8, 720]] as const) {
      await new DeviceBook(devices as unknown as MediaDevicesLike, memory(), cores).open();
      expect((devices.wanted?.video as MediaTrackConstraints).height).toEqual({ ideal: lines });
    }
  });

  it("does not ask again for what is open", async () => {
    await book.open();
    await book.open();
    expect(devices.asked).toHaveLength(1);
  });

  it("opens a dead microphone anew and lets the old one go", async () => {
    await book.open();
    const old = book.microphone.value.track;
    await book.reopen("microphone");
    expect(old?.readyState).toBe("ended");
    expect(book.microphone.value.track?.readyState).toBe("live");
    expect(devices.asked.at(-1)).toEqual({ audio: true, video: false });
  });

  it("changes the microphone without a moment of none, the camera one after the other", async () => {
    await book.open();
    const [microphone, camera] = [book.microphone.value.track!, book.camera.value.track!];
    let isSilent = false;
    book.microphone.watch(({ track }) => (isSilent ||= track?.readyState !== "live"));
    expect(await book.choose("microphone", "other")).toBeNull();
    expect([isSilent, microphone.readyState]).toEqual([false, "ended"]);
    devices.refuse = () => (camera.readyState === "live" ? named("NotReadableError") : null); // a phone has but one open
    expect(await book.choose("camera", "back")).toBeNull();
    expect(book.camera.value.track?.readyState).toBe("live");
  });

  it("keeps the microphone one has when the chosen one does not open, and says so", async () => {
    const remembered: string[] = [];
    book = new DeviceBook(devices as unknown as MediaDevicesLike, { read: () => remembered.at(-1) ?? null, write: (_kind, id) => remembered.push(id) });
    await book.open();
    const before = book.microphone.value.track;
    devices.refuse = () => named("NotReadableError");
    expect(await book.choose("microphone", "taken")).toBe("in_use");
    expect(book.microphone.value).toEqual({ track: before, problem: null, isOpening: false });
    expect(remembered).toEqual(["taken", ""]);
  });

  it("turns to the other side of a phone and back", async () => {
    await book.open();
    const facing = (): unknown => (devices.wanted?.video as MediaTrackConstraints).facingMode;
    expect(await book.flip()).toBeNull();
    expect(facing()).toEqual({ ideal: "environment" });
    expect(await book.flip()).toBeNull();
    expect(facing()).toEqual({ ideal: "user" });
  });

  it("falls to what is left when the device in use is pulled out, and says so", async () => {
    devices.plugged.audioinput = ["headset", "built-in"];
    await book.open();
    devices.plugged.audioinput = ["built-in"];
    devices.given[0]!.stop();
    devices.dispatchEvent(new Event("devicechange"));
    await settle();
    expect(book.moved.value).toEqual({ kind: "microphone", name: "built-in" });
    expect(book.microphone.value.track?.readyState).toBe("live");
    book.noteMove();
    expect(book.moved.value).toBeNull();
  });

  it("takes nothing back by itself from a call: the device is still there", async () => {
    await book.open();
    devices.given[0]!.stop();
    devices.given[0]!.dispatchEvent(new Event("ended"));
    await settle();
    expect(devices.asked).toHaveLength(1);
    expect(book.moved.value).toBeNull();
  });

  it("lists loudspeakers where the browser has them", async () => {
    devices.plugged.audiooutput = ["loud"];
    await book.open();
    expect(book.speakers.value).toEqual([{ id: "loud", name: "loud!" }]);
  });

  it("says that the browser cannot when there is nothing to ask", async () => {
    const none = new DeviceBook(undefined, memory());
    await none.open();
    expect(["insecure_page", "unsupported_browser"]).toContain(none.camera.value.problem);
  });
});

describe("causes in words", () => {
  it.each([
    [named("NotAllowedError", "Permission denied"), "permission_denied"],
    [named("NotAllowedError", "Permission denied by system"), "system_denied"],
    [named("OverconstrainedError"), "not_found"],
    [named("NotReadableError"), "in_use"],
    [named("AbortError"), "interrupted"],
    [named("SecurityError"), "insecure_page"],
    ["nonsense", "unknown"],
  ] as const)("%s is %s", (error, problem) => expect(deviceProblem(error)).toBe(problem));

  it.each([
    ["Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 MicroMessenger/8.0.49", "wechat_ios"],
    ["Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/116.0 Mobile Safari/537.36 MicroMessenger/8.0", "wechat_android"],
    ["Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/116.0 Safari/537.36 MicroMessenger/7.0 WindowsWechat", "wechat_desktop"],
    ["Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1", "safari_ios"],
    ["Mozilla/5.0 (Linux; Android 12) AppleWebKit/537.36 Chrome/114.0 Mobile Safari/537.36 HuaweiBrowser/14.0", "huawei"],
    ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36", "chrome"],
  ] as const)("%s is %s", (agent, kind) => expect(browserKind(agent)).toBe(kind));

  it("sends the desktop WeChat elsewhere, for it can only watch", () => {
    expect(browserLacks({ isSecure: true, hasGetUserMedia: true, hasPeerConnection: true, kind: "wechat_desktop" })).toEqual(["sending"]);
    expect(browserLacks({ isSecure: false, hasGetUserMedia: false, hasPeerConnection: true, kind: "chrome" })).toEqual(["https"]);
    expect(browserLacks({ isSecure: true, hasGetUserMedia: true, hasPeerConnection: true, kind: "safari_ios" })).toEqual([]);
  });
});

describe("the watch over the capture", () => {
  let clock: FakeClock;
  let book: DeviceBook;
  let devices: FakeDevices;
  let dead: Observable<number>;
  let wantsSound: boolean;
  let watch: CaptureWatch;
  beforeEach(async () => {
    clock = new FakeClock();
    devices = new FakeDevices();
    dead = new Observable(0);
    wantsSound = true;
    book = new DeviceBook(devices as unknown as MediaDevicesLike, memory());
    watch = new CaptureWatch({ book, after: (ms, run) => clock.after(ms, run), deadForMs: dead, wantsSound: () => wantsSound });
    await book.open();
  });
  const causes = (): string[] => watch.trouble.value.map(({ kind, cause }) => `${kind} ${cause}`);

  it("sees a phone call that ends the microphone, and that it came back", async () => {
    devices.given[0]!.dispatchEvent(new Event("ended"));
    expect(causes()).toEqual(["microphone ended"]);
    await book.reopen("microphone");
    expect(causes()).toEqual([]);
  });

  it("ignores a mute that lasts a moment, reports one that stays, and hears it lifted", async () => {
    const camera = devices.given[1]!;
    camera.dispatchEvent(new Event("mute"));
    await clock.advance(300);
    camera.dispatchEvent(new Event("unmute"));
    await clock.advance(5_000);
    expect(causes()).toEqual([]);
    camera.dispatchEvent(new Event("mute"));
    await clock.advance(1_000);
    expect(causes()).toEqual(["camera muted_by_system"]);
    camera.dispatchEvent(new Event("unmute"));
    expect(causes()).toEqual([]);
  });

  it("finds a track that looks alive and is dead, unless the person switched it off", () => {
    wantsSound = false;
    dead.set(DEAD_SILENCE_MS);
    expect(causes()).toEqual([]);
    wantsSound = true;
    dead.set(DEAD_SILENCE_MS + 80);
    expect(causes()).toEqual(["microphone dead_silence"]);
    dead.set(0);
    expect(causes()).toEqual([]);
  });

  it("does not take an ended microphone for a silent one", () => {
    devices.given[0]!.dispatchEvent(new Event("ended"));
    dead.set(DEAD_SILENCE_MS + 80); // what ended is silent too
    expect(causes()).toEqual(["microphone ended"]);
    dead.set(0);
    expect(causes()).toEqual(["microphone ended"]);
  });

  it("forgets a track that was replaced", async () => {
    const old = devices.given[0]!;
    await book.reopen("microphone");
    old.dispatchEvent(new Event("ended"));
    expect(causes()).toEqual([]);
  });
});
