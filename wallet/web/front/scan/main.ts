/** The scanner page `/scan`: a gate that needs no network. docs/scanning.md */

import { html, render } from "htm/preact";
import { effect, untracked } from "@preact/signals";
import "../shared/fonts.css";
import "./scan.css";
import { App, home } from "./app";
import { readDesk } from "./desks";
import { checkText, closeCamera, goTo, openCamera, startWorker, toWorker, wipe } from "./gate";
import { installServiceWorker, listenForInstall } from "./installing";
import { keep, recall } from "./keeping";
import { keepPurposeOfGate, refreshDesk, tellReceipts } from "./online";
import { keepChoices, now, online, profile, screen, shown, tally, type Tally } from "./state";
import { ReplayMemory } from "./store";
import { keepTrust } from "./trust";
import { t } from "./texts";
import { listenToWedge } from "./wedge";

const TICK_MILLISECONDS = 5000;
const TELL_MILLISECONDS = 60_000;
const root = document.getElementById("scan")!;

keepChoices();
listenForInstall();
startWorker();
listenToWedge((text, isSpoilt) => void checkText(text, isSpoilt));
effect(() => void (document.title = t("title")));

let wasOpen = false;
const hidden = (): void => {
  wasOpen ||= screen.value === "scan" && root.querySelector(".view.on") !== null;
  wipe();
  closeCamera();
};
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return hidden();
  now.value = Date.now() / 1000;
  if (wasOpen) void openCamera();
  wasOpen = false;
});
window.addEventListener("pagehide", hidden);

setInterval(() => {
  now.value = Date.now() / 1000;
  for (const name of ["gate", "training"]) void keep(`replay.${name}`, new ReplayMemory(name).sweep(now.value));
}, TICK_MILLISECONDS);

async function start(): Promise<void> {
  const [counted] = await Promise.all([recall<Tally>("tally"), readDesk()]);
  tally.value = counted ?? tally.value;
  keepPurposeOfGate();
  const trusted = keepTrust(toWorker);
  // Where the page was set up before, nobody waits for the network.
  await Promise.race([trusted, new Promise((resolve) => setTimeout(resolve, 400))]);
  root.replaceChildren();
  render(html`<${App} />`, root);
  if (screen.value === "choose" && home() === "scan") screen.value = "scan";
  // A gate that the service has no more is chosen anew, once whoever stands there was seen to.
  effect(() => void (screen.value === "scan" && !profile.value && !shown.value && untracked(() => goTo("choose"))));
  await trusted;
  void refreshDesk();
  effect(() => void (online.value && tellReceipts()));
  setInterval(() => void tellReceipts(), TELL_MILLISECONDS);
  // A turn of the page would overtake a code that waited for the list.
  if (screen.value === "choose" && home() === "scan" && !shown.value) screen.value = "scan";
}

void start();
void installServiceWorker();
