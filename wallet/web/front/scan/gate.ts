/** The gate at work: from the camera, a picture, a reader or a typed code to a verdict, and back to the next visitor. */

import { Camera, CameraTrouble, Frames } from "./camera";
import { Challenges } from "./challenge";
import type { Ask, Demand, Reply } from "./messages";
import { isGraver, outcomeOf, toastOf, type Look, type Outcome, type Toast } from "./outcome";
import { askServer, readShare, type OnlineAnswer, type Share } from "./online";
import { signalOutcome } from "./sound";
import {
  abilities, cameraOn, cameraStarting, choices, choose, clockWrong, engineFailed, manualOpen, profile, screen, shown,
  tally, tips, toast, torchOn, training, trouble, uploadEmpty, type Shown,
} from "./state";
import { write } from "./store";

const PAUSE_MILLISECONDS = 40;
const TIPS_MILLISECONDS = 30_000;
const TOAST_MILLISECONDS = 3500;
/** A verdict stands at least so long before another code may take its place. */
const STANDS_MILLISECONDS = 1200;
const LOOK_AGAIN_MILLISECONDS = 1500;
export const AUTO_SECONDS = 8;

export const challenges = new Challenges();
const camera = new Camera();
const frames = new Frames();

let worker: Worker | undefined;
let nextId = 0;
const waiting = new Map<number, (reply: Reply) => void>();
let video: HTMLVideoElement | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
let lastCode = Date.now();
let shownAt = 0;
let count = 0;
let partials = 0;
let autoNext: ReturnType<typeof setTimeout> | undefined;
let toastEnd: ReturnType<typeof setTimeout> | undefined;

export function startWorker(): void {
  worker = new Worker("/scan/worker.js"); // below /scan, or the service worker would not hand it out
  worker.onmessage = (event: MessageEvent<{ id: number; reply: Reply }>) => {
    waiting.get(event.data.id)?.(event.data.reply);
    waiting.delete(event.data.id);
  };
  worker.onerror = () => (engineFailed.value = true);
  void toWorker({ kind: "warm" }).then((reply) => (engineFailed.value = reply.kind === "engineFailed"));
}

export function toWorker(ask: Ask, moved: Transferable[] = []): Promise<Reply> {
  return new Promise((resolve) => {
    const id = ++nextId;
    waiting.set(id, resolve);
    worker!.postMessage({ id, ask }, moved);
  });
}

// --- the camera ---------------------------------------------------------------------------------------------------

/** The element that shows the camera has come or gone. */
export function setVideo(element: HTMLVideoElement | null): void {
  video = element ?? undefined;
  if (!element) closeCamera();
}

export async function openCamera(): Promise<void> {
  if (!video || cameraStarting.value) return;
  cameraStarting.value = true;
  trouble.value = undefined;
  torchOn.value = false;
  try {
    abilities.value = await camera.open(video, choices.value.camera);
    cameraOn.value = true;
    partials = 0;
    lastCode = Date.now();
    look();
  } catch (error) {
    cameraOn.value = false;
    if (error instanceof CameraTrouble) trouble.value = error.trouble;
    else if (!(error instanceof DOMException && error.name === "AbortError")) trouble.value = "unsupported";
  } finally {
    cameraStarting.value = false;
  }
}

export function closeCamera(): void {
  clearTimeout(timer);
  camera.close();
  cameraOn.value = false;
  torchOn.value = false;
}

export async function flipCamera(): Promise<void> {
  choose({ camera: await camera.following() });
  await openCamera();
}

export async function switchTorch(): Promise<void> {
  const on = !torchOn.value;
  try {
    await camera.torch(on);
    torchOn.value = on;
  } catch {
    abilities.value = { ...abilities.value, torch: false };
  }
}

export const zoomTo = (value: number): Promise<void> => camera.zoom(value).catch(() => undefined);

/** Look at one picture after another, one at a time. */
function look(): void {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    if (!cameraOn.value) return;
    if (!camera.isOpen) {
      cameraOn.value = false; // unplugged, or taken by the system
      trouble.value = "busy";
      return;
    }
    const picture = video && !document.hidden ? frames.of(video) : undefined;
    if (picture) {
      const reply = await toWorker(
        { kind: "frame", pixels: picture.data.buffer, width: picture.width, height: picture.height, demand: demand(), careful: false },
        [picture.data.buffer],
      );
      if (cameraOn.value) take(reply);
    }
    if (!shown.value && Date.now() - lastCode > TIPS_MILLISECONDS) tips.value = true;
    look();
  }, PAUSE_MILLISECONDS);
}

// --- the other ways in --------------------------------------------------------------------------------------------

export async function checkText(text: string): Promise<void> {
  if (text.trim()) take(await toWorker({ kind: "text", text: text.trim(), demand: demand() }));
}

/** Play a sample; one that is about being shown twice is shown twice. */
export async function playSample(text: string, times: number): Promise<void> {
  for (let shownBefore = 1; shownBefore < times; shownBefore++) await toWorker({ kind: "text", text, demand: demand() });
  await checkText(text);
}

export async function checkPicture(file: Blob): Promise<void> {
  uploadEmpty.value = false;
  let reply: Reply = { kind: "nothing" };
  try {
    const bitmap = await createImageBitmap(file);
    const picture = frames.ofImage(bitmap);
    bitmap.close();
    reply = await toWorker(
      { kind: "frame", pixels: picture.data.buffer, width: picture.width, height: picture.height, demand: demand(), careful: true },
      [picture.data.buffer],
    );
  } catch {
    // Not a picture: nothing is found in it.
  }
  if (reply.kind === "nothing" || reply.kind === "partial") uploadEmpty.value = true;
  else take(reply);
}

function demand(): Demand {
  const seconds = Date.now() / 1000;
  const here = profile.value;
  return {
    gate: choices.value.gate,
    ...(here?.utilities && !training.value ? { utilities: here.utilities } : {}),
    ...(here?.high && !training.value ? { nonces: challenges.live(seconds).map((each) => each.bytes) } : {}),
    memory: training.value ? "training" : "gate",
    now: Math.floor(seconds),
  };
}

// --- verdicts -----------------------------------------------------------------------------------------------------

function take(reply: Reply): void {
  switch (reply.kind) {
    case "nothing":
      partials = 0;
      return;
    case "partial":
      // Noise looks like a broken code now and then; a broken code looks like one every time.
      if (++partials >= 3 && !toast.value) showToast("damaged");
      return;
    case "noTrust":
      if (!/^V[DL]1:/.test(reply.text)) return showToast(reply.text.startsWith("VG1:") ? "challenge" : "foreign");
      return show({ code: "cannot_tell", look: "ask", next: "outcome.cannot_tell.no_list" });
    case "memoryFailed":
      return show({ code: "cannot_tell", look: "ask", next: "outcome.cannot_tell.memory" });
    case "answer":
      return takeAnswer(reply);
    default:
  }
}

function takeAnswer(reply: Extract<Reply, { kind: "answer" }>): void {
  const found = toastOf(reply.answer, reply.text);
  if (found) return showToast(found);
  if (shown.value && Date.now() - shownAt < STANDS_MILLISECONDS) return;
  if (reply.nonce) {
    const used = challenges.live(Date.now() / 1000).find((each) => same(each.bytes, reply.nonce!));
    if (used) challenges.use(used);
  }
  const outcome = outcomeFor(reply.answer, reply.seen);
  const list = reply.answer.status_age_seconds ?? reply.answer.bundle_age_seconds;
  show(outcome, { answer: reply.answer, milliseconds: reply.milliseconds, listAgeSeconds: list });
  if (!training.value) void askAbout(reply.text, count, reply.nonce);
}

function outcomeFor(answer: OnlineAnswer, seen?: { at: number; gate: string }): Outcome {
  return outcomeOf(answer, training.value ? ANY : (profile.value ?? ANY), {
    nowSeconds: Date.now() / 1000,
    clockWrong: clockWrong.value !== undefined,
    ...(seen ? { seen } : {}),
  });
}

const ANY = { code: "any", title: { vi: "", en: "" } };

/** The verdict of this device stands already; the server's may only make it graver. */
async function askAbout(code: string, number: number, nonce?: Uint8Array): Promise<void> {
  const answer = await askServer(code, nonce);
  const standing = shown.value;
  if (!answer || standing?.number !== number) return;
  const later = outcomeFor(answer);
  const askedAt = Date.now() / 1000;
  if (isGraver(later, standing.outcome)) {
    shown.value = { ...standing, askedAt, outcome: later, answer };
    recount(standing.outcome.look, later.look);
    signalOutcome(later.look, choices.value.sound, choices.value.vibration);
    waitForNext();
    return;
  }
  shown.value = { ...standing, askedAt };
  if (standing.outcome.look === "good" && answer.share) await awaitPhoto(answer.share, number);
}

/** Show the photo once the visitor has agreed, as long as their verdict stands. */
async function awaitPhoto(share: Share, number: number): Promise<void> {
  let found: Share | undefined = share;
  while (found && shown.value?.number === number) {
    const { portrait, state, id }: Share = found;
    const photo: string | undefined = portrait && `data:${portrait.media_type};base64,${portrait.content}`;
    const isAwaited: boolean = state === "awaiting";
    const standing: Shown = shown.value;
    shown.value = { ...standing, photoAwaited: isAwaited, ...(photo ? { photo } : {}) };
    if (!isAwaited || id === undefined) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MILLISECONDS));
    found = await readShare(id);
  }
}

function show(outcome: Outcome, more: Partial<Shown> = {}): void {
  lastCode = shownAt = Date.now();
  hideToast();
  tips.value = uploadEmpty.value = manualOpen.value = false;
  shown.value = { number: ++count, outcome, milliseconds: 0, ...more };
  signalOutcome(outcome.look, choices.value.sound, choices.value.vibration);
  if (!training.value) recount(undefined, outcome.look);
  waitForNext();
}

function waitForNext(): void {
  clearTimeout(autoNext);
  autoNext = setTimeout(next, AUTO_SECONDS * 1000);
}

/** Keep the verdict until somebody says next. */
export function holdVerdict(): void {
  clearTimeout(autoNext);
}

export function next(): void {
  clearTimeout(autoNext);
  shown.value = undefined;
  lastCode = Date.now();
}

/** Nothing of the last visitor stays: the screen is locked, or somebody else uses the device. */
export function wipe(): void {
  next();
  hideToast();
  manualOpen.value = uploadEmpty.value = tips.value = false;
  void toWorker({ kind: "forget" });
}

function showToast(which: Toast): void {
  if (shown.value) return;
  lastCode = Date.now();
  clearTimeout(toastEnd);
  toast.value = which;
  toastEnd = setTimeout(hideToast, TOAST_MILLISECONDS);
}

function hideToast(): void {
  clearTimeout(toastEnd);
  toast.value = undefined;
}

type Count = "valid" | "invalid" | "unknown";
const COUNTS: Record<Look, Count> = { good: "valid", bad: "invalid", wait: "invalid", ask: "unknown" };

/** Count a verdict; `before`: what it was counted as until the server said otherwise. */
function recount(before: Look | undefined, after: Look): void {
  const counted = { ...tally.value };
  if (!counted.since) counted.since = Date.now() / 1000;
  if (before) counted[COUNTS[before]] -= 1;
  counted[COUNTS[after]] += 1;
  tally.value = counted;
  void write("tally", counted);
}

export function newShift(): void {
  tally.value = { since: Date.now() / 1000, valid: 0, invalid: 0, unknown: 0 };
  void write("tally", tally.value);
}

export function goTo(where: typeof screen.value): void {
  next();
  hideToast();
  training.value = where === "training";
  screen.value = where;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, place) => byte === b[place]);
}
