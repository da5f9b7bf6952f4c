/** The page as an app: its service worker, its place on the home screen. */

import { effect } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { installPrompt, isStored, newVersion, online, updating } from "./state";
import { t } from "./texts";

let waitingWorker: ServiceWorker | null = null;
let isTapped = false;

export async function installServiceWorker(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  let isOlder = navigator.serviceWorker.controller !== null;
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (isTapped) location.reload();
    else if (isOlder) newVersion.value = true; // another page has taken it, and this one is still the old one
    isOlder = true;
  });
  isStored.value = isOlder;
  void navigator.serviceWorker.ready.then(() => (isStored.value = true));
  await register();
  effect(() => {
    if (!updating.value && online.peek() && !isStored.peek()) void register();
  });
}

async function register(): Promise<void> {
  try {
    const registration = await navigator.serviceWorker.register("/scan/sw.js", { scope: "/scan" });
    const isWaiting = (): void => {
      waitingWorker = registration.waiting;
      newVersion.value ||= waitingWorker !== null && navigator.serviceWorker.controller !== null;
    };
    isWaiting();
    registration.onupdatefound = () => registration.installing?.addEventListener("statechange", isWaiting);
  } catch {
    // Without it the page works as long as there is network: that is said, and it is tried again with the next lists.
  }
}

/** Nobody is moved to a new version in the middle of a queue: it is taken when somebody says so. */
export function takeNewVersion(): void {
  isTapped = true;
  if (waitingWorker?.state === "installed") waitingWorker.postMessage("takeOver");
  else location.reload();
}

export function listenForInstall(): void {
  window.addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    installPrompt.value = event as unknown as { prompt: () => Promise<unknown> };
  });
  window.addEventListener("appinstalled", () => (installPrompt.value = undefined));
}

export function InstallHint(): VNode {
  const prompt = installPrompt.value;
  if (prompt) return html`<button onClick=${() => prompt.prompt()}>${t("install")}</button>` as VNode;
  const isIos = /iPhone|iPad/.test(navigator.userAgent) && !(navigator as { standalone?: boolean }).standalone;
  return html`${isIos && html`<p class="small">${t("install.ios")}</p>`}` as VNode;
}
