/** The person's own microphone and camera: opened once, chosen, changed while heard, opened again after a phone call, closed for good. */
import { deviceProblem, type DeviceProblem } from "./device_problem";
import { Observable } from "./observable";
import { TaskLine } from "./task_line";

export type DeviceKind = "microphone" | "camera";
export const DEVICE_KINDS: readonly DeviceKind[] = ["microphone", "camera"];

export interface DeviceChoice {
  id: string;
  /** Empty until the browser was allowed to name it. */
  name: string;
}

export interface DeviceState {
  track: MediaStreamTrack | null;
  problem: DeviceProblem | null;
  isOpening: boolean;
}

export type MediaDevicesLike = Pick<MediaDevices, "getUserMedia" | "enumerateDevices" | "addEventListener" | "removeEventListener">;

/** What is remembered beside the two that capture: where the voices of the others come out. */
export type RememberedKind = DeviceKind | "speaker";

export interface RememberedDevices {
  read(kind: RememberedKind): string | null;
  write(kind: RememberedKind, id: string): void;
}

/** A device was pulled out and another one took its place; empty names are said as "another". */
export interface DeviceMove {
  kind: DeviceKind;
  name: string;
}

type Facing = "user" | "environment";

/** `isChosen`: tapped just now, as against remembered from another day when another device may be there. */
interface Wanted {
  deviceId: string | null;
  isChosen: boolean;
}

const CLOSED: DeviceState = { track: null, problem: null, isOpening: false };

/** Three layers of 720p keep two cores busy by themselves: such a machine sends one layer of 480p and stays usable. */
const FEW_CORES = 2;

/** 720p at the film's 25 frames; `ideal`, because a phone that cannot must still be let in. */
function constraintsFor(kind: DeviceKind, { deviceId, isChosen }: Wanted, cores: number, facingMode: Facing): MediaTrackConstraints {
  // With "ideal" a browser may weigh the device against the size of its picture: what was tapped is what is meant.
  const device = deviceId ? { deviceId: isChosen ? { exact: deviceId } : { ideal: deviceId } } : {};
  if (kind === "microphone") {
    return { ...device, echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: { ideal: 1 } };
  }
  const facing = deviceId ? {} : { facingMode: { ideal: facingMode } };
  const size = cores <= FEW_CORES ? { width: { ideal: 640 }, height: { ideal: 480 } } : { width: { ideal: 1280 }, height: { ideal: 720 } };
  return { ...device, ...facing, ...size, frameRate: { ideal: 25, max: 30 } };
}

export class DeviceBook {
  readonly microphone = new Observable<DeviceState>(CLOSED);
  readonly camera = new Observable<DeviceState>(CLOSED);
  readonly choices = new Observable<Record<DeviceKind, DeviceChoice[]>>({ microphone: [], camera: [] });
  /** Empty where the browser does not let the page choose (phones choose by themselves). */
  readonly speakers = new Observable<DeviceChoice[]>([]);
  readonly moved = new Observable<DeviceMove | null>(null);
  private readonly line = new TaskLine();
  private facing: Facing = "user";
  private readonly inUse: Partial<Record<DeviceKind, string>> = {};
  private readonly readAgain = (): void => void this.line.run(() => this.plugged());

  constructor(
    /** Undefined on an insecure page and in browsers without capture. */
    private readonly devices: MediaDevicesLike | undefined,
    private readonly remembered: RememberedDevices,
    private readonly cores: number = navigator.hardwareConcurrency || 4,
  ) {
    devices?.addEventListener("devicechange", this.readAgain);
  }

  state(kind: DeviceKind): Observable<DeviceState> {
    return kind === "microphone" ? this.microphone : this.camera;
  }

  /** Opens what is not open: one question to the person for both, each on its own when together they fail. */
  open(kinds: readonly DeviceKind[] = DEVICE_KINDS): Promise<void> {
    return this.line.run(async () => {
      const missing = kinds.filter((kind) => this.state(kind).value.track?.readyState !== "live");
      if (missing.length === 0) return;
      for (const kind of missing) this.state(kind).set({ ...this.state(kind).value, isOpening: true });
      const together = missing.length > 1 ? await this.tryOpen(missing) : null;
      // A missing camera must not cost the microphone.
      if (together !== "done") for (const kind of missing) await this.tryOpen([kind]);
      await this.readChoices();
    });
  }

  /** Opens one again from nothing: after a phone call a track may look alive and be dead. */
  reopen(kind: DeviceKind): Promise<void> {
    this.shut(kind);
    return this.open([kind]);
  }

  /**
   * Another device of the kind, while the hearing goes on. When it does not open, the one before is opened again and
   * the problem of the chosen one is returned.
   */
  choose(kind: DeviceKind, deviceId: string): Promise<DeviceProblem | null> {
    const before = this.remembered.read(kind);
    this.remembered.write(kind, deviceId);
    return this.line.run(() => this.change(kind, () => this.remembered.write(kind, before ?? "")));
  }

  /** The other side of a phone: its back camera shows a document, its front camera the person. */
  flip(): Promise<DeviceProblem | null> {
    const before = { facing: this.facing, id: this.remembered.read("camera") };
    const shown = this.camera.value.track?.getSettings().facingMode ?? this.facing;
    this.facing = shown === "environment" ? "user" : "environment";
    this.remembered.write("camera", "");
    return this.line.run(() =>
      this.change("camera", () => {
        this.facing = before.facing;
        this.remembered.write("camera", before.id ?? "");
      }),
    );
  }

  /** The notice was read. */
  noteMove(): void {
    this.moved.set(null);
  }

  /** Stops the capture: the camera's light goes out. */
  shut(kind: DeviceKind): void {
    this.state(kind).value.track?.stop();
    this.state(kind).set(CLOSED);
  }

  close(): void {
    this.devices?.removeEventListener("devicechange", this.readAgain);
    for (const kind of DEVICE_KINDS) this.shut(kind);
  }

  /** The old camera goes first: most phones have but one of them open at a time. The old microphone stays until the new one is there. */
  private async change(kind: DeviceKind, takeBack: () => void): Promise<DeviceProblem | null> {
    const state = this.state(kind);
    const old = state.value.track;
    if (kind === "camera") {
      old?.stop();
      state.set({ track: null, problem: null, isOpening: true });
    }
    const verdict = await this.tryOpen([kind], true);
    if (verdict === "done") {
      if (old !== state.value.track) old?.stop();
      await this.readChoices();
      return null;
    }
    takeBack();
    if (kind === "microphone" && old?.readyState === "live") state.set({ track: old, problem: null, isOpening: false });
    else await this.tryOpen([kind]);
    return verdict;
  }

  /** A device came or went. What was pulled out while in use is replaced by what is left. */
  private async plugged(): Promise<void> {
    await this.readChoices();
    for (const kind of DEVICE_KINDS) {
      const { track } = this.state(kind).value;
      const left = this.choices.value[kind];
      // Still in the list: taken away by a call, not pulled out. That is for the person to take back.
      if (track?.readyState !== "ended" || left.length === 0 || left.some(({ id }) => id === this.inUse[kind])) continue;
      if ((await this.tryOpen([kind])) === "done") this.moved.set({ kind, name: this.state(kind).value.track?.label ?? "" });
    }
  }

  private async tryOpen(kinds: readonly DeviceKind[], isChosen = false): Promise<"done" | DeviceProblem> {
    if (!this.devices) {
      const problem: DeviceProblem = globalThis.isSecureContext === false ? "insecure_page" : "unsupported_browser";
      for (const kind of kinds) this.state(kind).set({ track: null, problem, isOpening: false });
      return problem;
    }
    const wanted: MediaStreamConstraints = {};
    const device = (kind: DeviceKind): Wanted => ({ deviceId: this.remembered.read(kind), isChosen });
    if (kinds.includes("microphone")) wanted.audio = constraintsFor("microphone", device("microphone"), this.cores, this.facing);
    if (kinds.includes("camera")) wanted.video = constraintsFor("camera", device("camera"), this.cores, this.facing);
    try {
      const stream = await this.devices.getUserMedia(wanted);
      for (const kind of kinds) {
        const track = (kind === "microphone" ? stream.getAudioTracks() : stream.getVideoTracks())[0] ?? null;
        // Some browsers tell of a pulled plug first by the track's end, others first by the list.
        track?.addEventListener("ended", this.readAgain);
        this.inUse[kind] = track?.getSettings().deviceId ?? "";
        this.state(kind).set({ track, problem: track ? null : "not_found", isOpening: false });
      }
      return "done";
    } catch (error) {
      const problem = deviceProblem(error);
      // While both are tried together the single tries still follow: their verdict counts.
      if (kinds.length === 1) for (const kind of kinds) this.state(kind).set({ track: null, problem, isOpening: false });
      return problem;
    }
  }

  private async readChoices(): Promise<void> {
    if (!this.devices) return;
    const found = await this.devices.enumerateDevices().catch(() => []);
    const of = (kind: MediaDeviceKind): DeviceChoice[] =>
      found.filter((device) => device.kind === kind && device.deviceId !== "").map(({ deviceId, label }) => ({ id: deviceId, name: label }));
    this.choices.set({ microphone: of("audioinput"), camera: of("videoinput") });
    this.speakers.set(of("audiooutput"));
  }
}

/** The last choice, kept in the browser; private windows that refuse storage simply forget. */
export const localMemory: RememberedDevices = {
  read(kind) {
    try {
      return localStorage.getItem(`device.${kind}`);
    } catch {
      return null;
    }
  },
  write(kind, id) {
    try {
      localStorage.setItem(`device.${kind}`, id);
    } catch {
      // Nothing to keep it in: asked again next time.
    }
  },
};
