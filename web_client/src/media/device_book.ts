/** The person's own microphone and camera: opened once, chosen, opened again after a phone call, closed for good. */
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

export interface RememberedDevices {
  read(kind: DeviceKind): string | null;
  write(kind: DeviceKind, id: string): void;
}

const CLOSED: DeviceState = { track: null, problem: null, isOpening: false };

/** Three layers of 720p keep two cores busy by themselves: such a machine sends one layer of 480p and stays usable. */
const FEW_CORES = 2;

/** 720p at the film's 25 frames; `ideal`, because a phone that cannot must still be let in. */
function constraintsFor(kind: DeviceKind, deviceId: string | null, cores: number): MediaTrackConstraints {
  const device = deviceId ? { deviceId: { ideal: deviceId } } : {};
  if (kind === "microphone") {
    return { ...device, echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: { ideal: 1 } };
  }
  const facing = deviceId ? {} : { facingMode: { ideal: "user" } };
  const size = cores <= FEW_CORES ? { width: { ideal: 640 }, height: { ideal: 480 } } : { width: { ideal: 1280 }, height: { ideal: 720 } };
  return { ...device, ...facing, ...size, frameRate: { ideal: 25, max: 30 } };
}

export class DeviceBook {
  readonly microphone = new Observable<DeviceState>(CLOSED);
  readonly camera = new Observable<DeviceState>(CLOSED);
  readonly choices = new Observable<Record<DeviceKind, DeviceChoice[]>>({ microphone: [], camera: [] });
  private readonly line = new TaskLine();
  private readonly readAgain = (): void => void this.readChoices();

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

  choose(kind: DeviceKind, deviceId: string): Promise<void> {
    this.remembered.write(kind, deviceId);
    return this.reopen(kind);
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

  private async tryOpen(kinds: readonly DeviceKind[]): Promise<"done" | DeviceProblem> {
    if (!this.devices) {
      const problem: DeviceProblem = globalThis.isSecureContext === false ? "insecure_page" : "unsupported_browser";
      for (const kind of kinds) this.state(kind).set({ track: null, problem, isOpening: false });
      return problem;
    }
    const wanted: MediaStreamConstraints = {};
    if (kinds.includes("microphone")) wanted.audio = constraintsFor("microphone", this.remembered.read("microphone"), this.cores);
    if (kinds.includes("camera")) wanted.video = constraintsFor("camera", this.remembered.read("camera"), this.cores);
    try {
      const stream = await this.devices.getUserMedia(wanted);
      for (const kind of kinds) {
        const track = (kind === "microphone" ? stream.getAudioTracks() : stream.getVideoTracks())[0] ?? null;
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
