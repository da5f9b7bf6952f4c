/** The gate at work: from the camera, a picture, a reader or a typed code to a verdict, and back to the next visitor. */

import type { Answer } from "../verifier";
import { Camera, CameraTrouble, Frames } from "./camera";
import { Challenges } from "./challenge";
import type { Ask, Demand, Reply } from "./messages";
import { isGraver, outcomeOf, toastOf, type Outcome, type Toast } from "./outcome";
import { askServer, leaveToTell, noteCheck, refusalOf, withdraw, type Noted, type OnlineAnswer } from "./online";
import type { Told } from "./receipts";
import { followShare, type Standing } from "./sharing";
import { signalOutcome } from "./sound";
import {
  abilities, cameraOn, cameraStarting, choices, choose, clockWrong, desk, engineFailed, isAsking, manualOpen, profile, screen, shown,
  tips, toast, torchOn, training, trouble, uploadEmpty, type Shown,
} from "./state";
import { recount } from "./tally";
import { arePinsUnread, sought } from "./trust";

const PAUSE_MILLISECONDS = 40;
/** While no code may take the place of the one on the screen. */
const WATCH_MILLISECONDS = 250;
const TIPS_MILLISECONDS = 30_000;
const TOAST_MILLISECONDS = 3500;
/** A verdict stands at least so long before another code may take its place. */
const STANDS_MILLISECONDS = 1200;
/** So long after a verdict's own code was last read, a code that cannot be read is somebody else's. */
const MOVING_MILLISECONDS = 2000;
/** One picture may be too much for the reader; so many in a row, and the reader is broken. */
const MOST_FAILURES = 5;
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
/** When the camera last read a code. */
let readAt = 0;
let failures = 0;
let autoNext: ReturnType<typeof setTimeout> | undefined;
let toastEnd: ReturnType<typeof setTimeout> | undefined;
/** Counts what ends everything under way: another screen, or a page that is hidden. */
let turn = 0;

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

/** Have a code read; what a turn of the page has overtaken is nobody's any more, and says nothing. */
async function judged(ask: (demand: Demand) => Ask, moved: Transferable[] = []): Promise<Reply> {
  const asked = turn;
  await sought;
  if (asked !== turn) return { kind: "overtaken" };
  const reply = await toWorker(ask(demand()), moved);
  return asked === turn ? reply : { kind: "overtaken" };
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
    try {
      if (video && !document.hidden) await lookOnce(video);
      if (!shown.value && Date.now() - lastCode > TIPS_MILLISECONDS) tips.value = true;
    } finally {
      look();
    }
  }, isReplaceable() ? PAUSE_MILLISECONDS : WATCH_MILLISECONDS);
}

async function lookOnce(from: HTMLVideoElement): Promise<void> {
  await sought; // no picture is taken that would have to wait
  const watch = !isReplaceable();
  let reply: Reply = { kind: "engineFailed" };
  try {
    const picture = frames.of(from);
    if (!picture) return;
    const { data, width, height } = picture;
    reply = await judged(
      (demand) => ({ kind: "frame", pixels: data.buffer, width, height, demand, careful: false, watch }),
      [data.buffer],
    );
  } catch {
    // No picture could be taken, or handed over: the next one may do.
  }
  if (reply.kind === "engineFailed") engineFailed.value ||= ++failures >= MOST_FAILURES;
  else if (reply.kind !== "overtaken") {
    failures = 0;
    engineFailed.value = false;
  }
  if (cameraOn.value && !watch) await take(reply, "camera");
}

/** Whether a code before the camera may be judged: none takes the place of a verdict that is new, kept, or waits. */
const isReplaceable = (): boolean => !shown.value || (!isKeptNow() && Date.now() - shownAt >= STANDS_MILLISECONDS);

export function isKeptNow(): boolean {
  const standing = shown.value;
  return Boolean(standing?.held || (standing?.photoState === "wait" && !standing.server));
}

// --- the other ways in --------------------------------------------------------------------------------------------

const judgedText = (text: string): Promise<Reply> => judged((demand) => ({ kind: "text", text, demand }));

/** isSpoilt: a reader typed it, and on this computer something changed what it typed. */
export async function checkText(text: string, isSpoilt = false): Promise<void> {
  if (isSpoilt) noVerdict("keyboard", "hand");
  else if (text.trim()) await take(await judgedText(text.trim()));
}

/** Play a sample; one that is about being shown twice is shown twice. Outside of training it would be somebody. */
export async function playSample(text: string, times: number): Promise<void> {
  for (let shownBefore = 1; training.value && shownBefore < times; shownBefore++) {
    await judgedText(text);
  }
  if (training.value) await checkText(text);
}

export async function checkPicture(file: Blob): Promise<void> {
  uploadEmpty.value = false;
  let reply: Reply = { kind: "nothing" };
  try {
    const bitmap = await createImageBitmap(file);
    const { data, width, height } = frames.ofImage(bitmap);
    bitmap.close();
    reply = await judged(
      (demand) => ({ kind: "frame", pixels: data.buffer, width, height, demand, careful: true }),
      [data.buffer],
    );
  } catch {
    // Not a picture: nothing is found in it.
  }
  if (reply.kind === "nothing" || reply.kind === "partial" || reply.kind === "engineFailed") uploadEmpty.value = true;
  else await take(reply);
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

/** What was read last is said last, although a check is kept before its verdict is shown. */
let taken = Promise.resolve();

/** by: a reader, a picture or a field, which somebody means, or the camera, which sees whatever is there. */
function take(reply: Reply, by: "hand" | "camera" = "hand"): Promise<void> {
  if (by === "camera" && reply.kind !== "partial") partials = 0;
  if (by === "camera" && (reply.kind === "same" || "text" in reply)) readAt = Date.now();
  const began = turn;
  const taking = taken.then(() => (began === turn ? takeNow(reply, by) : undefined));
  taken = taking.catch(() => undefined);
  return taking;
}

function takeNow(reply: Reply, by: "hand" | "camera"): Promise<void> | void {
  switch (reply.kind) {
    case "partial":
      // Noise looks like a broken code now and then; a broken code looks like one every time.
      if (++partials >= 3 && !toast.value && !isMoving()) noVerdict("damaged", by);
      return;
    case "noTrust":
      if (!/^V[DL]1:/.test(reply.text)) return noVerdict(reply.text.startsWith("VG1:") ? "challenge" : "foreign", by, reply.known);
      if (arePinsUnread()) return show(NOTHING_KEPT);
      return show({ code: "cannot_tell", look: "ask", next: "outcome.cannot_tell.no_list" });
    case "memoryFailed":
      return show(NOTHING_KEPT);
    case "answer":
      return takeAnswer(reply, by);
    default:
  }
}

/** Where this device keeps nothing, nothing may pass: neither a code that may come twice, nor a check that nobody would hear of. */
const NOTHING_KEPT: Outcome = { code: "cannot_tell", look: "ask", next: "outcome.cannot_tell.memory" };

/** Say what was read and is no verdict on anybody. The verdict that stands is not on whoever showed that: it goes.
 *
 * isKnown: the camera saw it a moment ago, it may as well hang on the wall.
 */
function noVerdict(which: Toast, by: "hand" | "camera", isKnown = false): void {
  if (by === "camera" && (isKnown || !isReplaceable())) return showToast(which);
  next();
  showToast(which);
}

/** Whether what cannot be read may be the code of the verdict that stands: in a hand that moves it is read now and then. */
const isMoving = (): boolean =>
  shown.value !== undefined && Date.now() - Math.max(readAt, shownAt) < MOVING_MILLISECONDS;

async function takeAnswer(reply: Extract<Reply, { kind: "answer" }>, by: "hand" | "camera"): Promise<void> {
  const found = toastOf(reply.answer, reply.text);
  if (found) return noVerdict(found, by, reply.known);
  // A code that comes twice at once is one visitor; another document never is.
  const isSame = shown.value?.answer?.document?.id === reply.answer.document?.id;
  if (shown.value && isSame && Date.now() - shownAt < STANDS_MILLISECONDS) return;
  if (reply.nonce) {
    const used = challenges.live(Date.now() / 1000).find((each) => same(each.bytes, reply.nonce!));
    if (used) challenges.use(used);
  }
  const outcome = outcomeFor(reply.answer, reply.seen);
  if (outcome === NO_GATE) return show(outcome); // which looked at nobody
  const asker = training.value || !isAsking.value ? undefined : desk.value;
  const began = turn;
  const isAsked = navigator.onLine;
  const noted = asker && (await noteCheck(reply.answer, toldOf(reply.answer, outcome), asker, isAsked));
  if (began !== turn) return noted && withdraw(noted); // nobody sees it any more
  if (asker && !noted) return show(NOTHING_KEPT);
  const list = reply.answer.status_age_seconds ?? reply.answer.bundle_age_seconds;
  show(outcome, { answer: reply.answer, milliseconds: reply.milliseconds, listAgeSeconds: list });
  if (noted && isAsked) void askAbout(reply, count, noted);
}

/** Return what is on record of a check: the verdict as it is shown. By a wrong clock no list is known to be fresh; whom a rule
 * turns away that only this page knows is turned away on record too. */
function toldOf(answer: Answer, outcome: Outcome): Told {
  if (outcome.code === "not_accepted") return { verdict: answer.verdict, reasons: ["policy_refused"] };
  if (outcome.code !== "cannot_tell" || answer.verdict === "cannot_tell") return answer;
  return { verdict: "cannot_tell", reasons: ["trust_stale"] };
}

function outcomeFor(answer: OnlineAnswer, seen?: { at: number; gate: string }): Outcome {
  const here = training.value ? ANY : profile.value;
  const outcome = outcomeOf(answer, here ?? ANY, {
    nowSeconds: Date.now() / 1000,
    clockWrong: clockWrong.value !== undefined,
    ...(seen ? { seen } : {}),
  });
  return here || outcome.look !== "good" ? outcome : NO_GATE;
}

const ANY = { code: "any", title: { vi: "", en: "" } };
/** Whose rules nobody knows, that gate takes nobody. */
const NO_GATE: Outcome = { code: "cannot_tell", look: "ask", next: "outcome.cannot_tell.no_gate" };

/** The verdict of this device stands already; the server's may only make it graver. */
async function askAbout(reply: Extract<Reply, { kind: "answer" }>, number: number, noted: Noted): Promise<void> {
  // Who is not taken here anyway is not asked for a photo.
  const good = amend(number, { server: "asking" })?.outcome.look === "good";
  let answer: OnlineAnswer;
  try {
    answer = await askServer(reply.text, reply.answer, good, reply.nonce);
  } catch (error) {
    const server = refusalOf(error);
    amend(number, { server });
    // A purpose that ended has no receipts either.
    await (server === "purpose" ? withdraw(noted) : leaveToTell(noted, server === "unreachable"));
    return;
  }
  // It looks for nobody in what it does not believe is signed; who was read here by older trust learns it by a receipt.
  if (reply.answer.document && !answer.checked.includes("dates")) void leaveToTell(noted, false, answer);
  else void withdraw(noted);
  const standing = amend(number, { server: undefined, askedAt: Date.now() / 1000 });
  if (!standing) return;
  if (!answer.accepted) {
    // It names nobody in what it does not accept; who it is was read here.
    const { document } = reply.answer;
    const seen = answer.first_seen && { at: Date.parse(answer.first_seen.at) / 1000, gate: "" };
    const later = outcomeFor({ ...answer, ...(document ? { document } : {}) }, seen);
    worsen(number, later);
  } else if (standing.outcome.look === "good" && answer.share) {
    await followShare(answer.share, reply.answer, standingOf(number, reply.answer));
  }
}

/** Let a graver outcome take the place of the one that stands. */
function worsen(number: number, later: Outcome): void {
  const standing = shown.value;
  if (standing?.number !== number || !isGraver(later, standing.outcome)) return;
  amend(number, { outcome: later });
  recount(standing.outcome.look, later.look);
  signalOutcome(later.look, choices.value.sound, choices.value.vibration);
  waitForNext();
}

/** The verdict of a number, for what may still become of it. found: what this device read in the code. */
const standingOf = (number: number, found: Answer): Standing => ({
  amend: (changes) => amend(number, changes),
  worsen: (later) => worsen(number, later),
  outcomeFor: (reason) => outcomeFor({ ...found, verdict: "invalid", reasons: [reason], accepted: false }),
  count: waitForNext,
  stay: () => clearTimeout(autoNext),
});

/** Change the verdict of this number as long as it stands, and return it as it is then. */
function amend(number: number, changes: Partial<Shown>): Shown | undefined {
  if (shown.value?.number !== number) return undefined;
  shown.value = { ...shown.value, ...changes };
  return shown.value;
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
  if (shown.value && !shown.value.held) autoNext = setTimeout(next, AUTO_SECONDS * 1000);
}

/** Keep the verdict until somebody says next. */
export function holdVerdict(): void {
  clearTimeout(autoNext);
  if (shown.value) shown.value = { ...shown.value, held: true };
}

export function next(): void {
  clearTimeout(autoNext);
  shown.value = undefined;
  lastCode = Date.now();
}

/** Nothing of the last visitor stays: the screen is locked, or somebody else uses the device. */
export function wipe(): void {
  turn++;
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

export function goTo(where: typeof screen.value): void {
  turn++;
  next();
  hideToast();
  training.value = where === "training";
  screen.value = where;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, place) => byte === b[place]);
}
