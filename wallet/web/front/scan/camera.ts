/** The camera: opened once, the one chosen remembered, and a name for each way in which there is none. */

export type Trouble = "denied" | "none" | "busy" | "in_app" | "insecure" | "unsupported";

/** Built-in browsers of other apps, which have no camera for a page. */
const IN_APP = /Zalo|FBAN|FBAV|FB_IAB|Instagram|Messenger|Line\//i;

export class CameraTrouble extends Error {
  constructor(readonly trouble: Trouble) {
    super(trouble);
  }
}

export interface Abilities {
  torch: boolean;
  zoom?: { min: number; max: number; step: number };
  others: boolean;
}

type More = MediaTrackCapabilities & { torch?: boolean; zoom?: { min: number; max: number; step: number } };

export class Camera {
  private stream: MediaStream | undefined;
  /** Counts the openings: one that was overtaken closes what it got. */
  private turn = 0;

  /** Open a camera, the back one first, and show it in `video`. Raises CameraTrouble. */
  async open(video: HTMLVideoElement, deviceId: string): Promise<Abilities> {
    this.close();
    const turn = ++this.turn;
    const stream = await this.streamOf(deviceId);
    if (turn !== this.turn) {
      stop(stream);
      throw new DOMException("overtaken", "AbortError");
    }
    this.stream = stream;
    video.srcObject = stream;
    await video.play();
    const track = stream.getVideoTracks()[0]!;
    const able: More = track.getCapabilities?.() ?? {};
    const zoom = able.zoom && able.zoom.max > able.zoom.min ? able.zoom : undefined;
    return { torch: able.torch === true, ...(zoom ? { zoom } : {}), others: (await cameras()).length > 1 };
  }

  get isOpen(): boolean {
    return this.stream?.getVideoTracks()[0]?.readyState === "live";
  }

  /** Return the id of the camera after this one. */
  async following(): Promise<string> {
    const all = await cameras();
    const current = this.stream?.getVideoTracks()[0]?.getSettings().deviceId;
    const place = all.findIndex((each) => each.deviceId === current);
    return all[(place + 1) % all.length]?.deviceId ?? "";
  }

  async torch(on: boolean): Promise<void> {
    await this.apply({ torch: on });
  }

  async zoom(value: number): Promise<void> {
    await this.apply({ zoom: value });
  }

  close(): void {
    this.turn++;
    if (this.stream) stop(this.stream);
    this.stream = undefined;
  }

  private async apply(constraint: Record<string, unknown>): Promise<void> {
    await this.stream?.getVideoTracks()[0]?.applyConstraints({ advanced: [constraint] } as MediaTrackConstraints);
  }

  private async streamOf(deviceId: string): Promise<MediaStream> {
    if (!window.isSecureContext) throw new CameraTrouble("insecure");
    if (!navigator.mediaDevices?.getUserMedia) throw new CameraTrouble(isInApp() ? "in_app" : "unsupported");
    const size = { width: { ideal: 1280 }, height: { ideal: 720 } };
    try {
      if (deviceId) {
        try {
          return await ask({ ...size, deviceId: { exact: deviceId } });
        } catch (error) {
          if (!(error instanceof DOMException) || !MISSING.includes(error.name)) throw error;
        }
      }
      return await ask({ ...size, facingMode: "environment" });
    } catch (error) {
      throw new CameraTrouble(isInApp() ? "in_app" : troubleOf(error));
    }
  }
}

const MISSING = ["NotFoundError", "OverconstrainedError", "DevicesNotFoundError"];
const BUSY = ["NotReadableError", "TrackStartError", "AbortError"];

function troubleOf(error: unknown): Trouble {
  const name = error instanceof DOMException ? error.name : "";
  if (MISSING.includes(name)) return "none";
  if (BUSY.includes(name)) return "busy";
  return name === "NotAllowedError" || name === "SecurityError" ? "denied" : "unsupported";
}

export function isInApp(): boolean {
  return IN_APP.test(navigator.userAgent);
}

function ask(video: MediaTrackConstraints): Promise<MediaStream> {
  return navigator.mediaDevices.getUserMedia({ audio: false, video });
}

async function cameras(): Promise<MediaDeviceInfo[]> {
  return (await navigator.mediaDevices.enumerateDevices()).filter((each) => each.kind === "videoinput");
}

function stop(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

const FULL_EVERY = 5;
const CROP_SIDE = 720;
const FULL_SIDE = 1280;

/** Takes pictures of a video: the middle, and the whole of it every fifth time. */
export class Frames {
  private readonly canvas = document.createElement("canvas");
  private readonly context = this.canvas.getContext("2d", { willReadFrequently: true })!;
  private count = 0;

  of(video: HTMLVideoElement): ImageData | undefined {
    const { videoWidth: width, videoHeight: height } = video;
    if (!width || !height) return undefined;
    const isWhole = ++this.count % FULL_EVERY === 0;
    const side = Math.round(Math.min(width, height) * 0.85);
    const [w, h] = isWhole ? [width, height] : [side, side];
    return this.drawn(video, (width - w) / 2, (height - h) / 2, w, h, isWhole ? FULL_SIDE : CROP_SIDE);
  }

  /** Return a picture's pixels, at most 2000 wide or high. */
  ofImage(picture: ImageBitmap): ImageData {
    return this.drawn(picture, 0, 0, picture.width, picture.height, 2000);
  }

  private drawn(from: CanvasImageSource, x: number, y: number, w: number, h: number, most: number): ImageData {
    const scale = Math.min(1, most / Math.max(w, h));
    const [width, height] = [Math.max(1, Math.round(w * scale)), Math.max(1, Math.round(h * scale))];
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    this.context.drawImage(from, x, y, w, h, 0, 0, width, height);
    return this.context.getImageData(0, 0, width, height);
  }
}
