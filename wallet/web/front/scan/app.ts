/** The page. Every screen has the strip of trust and the sample mark above it; a verdict covers the rest. */

import { html } from "htm/preact";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Choose } from "./choose";
import { isInApp } from "./camera";
import {
  checkPicture, checkText, flipCamera, goTo, openCamera, setVideo, switchTorch, toWorker, zoomTo,
} from "./gate";
import { Challenge } from "./challenge_view";
import * as icons from "./icons";
import { Settings, Training } from "./settings";
import { unlock } from "./sound";
import {
  abilities, cameraOn, cameraStarting, choices, choose, clockWrong, config, desk, deskPaused, engineFailed, isAsking, isStored, level, manualOpen, newVersion, now, online,
  profile, screen, shown, tips, toast, torchOn, training, trouble, trust, updating, uploadEmpty,
} from "./state";
import { refused, waiting } from "./receipts";
import { ago, other, said, t } from "./texts";
import { arePinsUnread, refresh } from "./trust";
import { Troubles } from "./troubles";
import { Verdict } from "./verdict";
import { takeNewVersion } from "./installing";

export function App(): VNode {
  const isShown = shown.value !== undefined;
  return html`
    <div class="frame" onPointerDown=${unlock} onKeyDown=${unlock}>
      ${training.value && html`<p class="watermark" aria-hidden="true">${t("training")}</p>`}
      <${Header} />
      <${Strip} />
      <main id="main" tabindex="-1">
        ${isShown && html`<${Verdict} key=${shown.value!.number} />`}
        ${(!isShown || screen.value === "scan") && html`<${Screen} key="screen" />`}
      </main>
      <${Toast} />
    </div>
  ` as VNode;
}

function Header(): VNode {
  return html`
    <header>
      <p class="mark">${t("sample")}</p>
      <div class="bar">
      <h1>
        ${training.value ? html`<b class="trainingName">${t("training")}</b>` : html`<span class="name">${t("name")}</span>`}
        ${profile.value && html`<span class="gate">${said(profile.value.title)} · ${choices.value.gate}</span>`}
      </h1>
      <button class="plain" lang=${other()} onClick=${() => choose({ language: other() })}>${t("other_language")}</button>
      <button
        class="plain"
        aria-label=${t(screen.value === "settings" ? "close" : "settings")}
        aria-expanded=${screen.value === "settings"}
        onClick=${() => goTo(screen.value === "settings" || screen.value === "training" ? home() : "settings")}
      >
        ${screen.value === "settings" || screen.value === "training" ? "✕" : icons.gear()}
      </button>
      </div>
    </header>
  ` as VNode;
}

export const home = (): "scan" | "choose" => (profile.value && choices.value.gate ? "scan" : "choose");

function network(): string {
  if (!online.value) return "trust.offline";
  if (isAsking.value) return deskPaused.value ? "trust.online" : "trust.asking";
  return desk.value ? "trust.no_purpose" : "trust.online";
}

/** How far the lists can be relied on, always in sight; between two visitors also whether receipts were refused, and whether
 * the page would not open again without network. */
function Strip(): VNode {
  const lost = shown.value ? 0 : Object.values(refused.value).reduce((sum, n) => sum + n, 0);
  const held = trust.value;
  const dated = held && held.oldestIat >= (config.value?.built_at ?? 0) - 72 * 3600;
  const age = held && (dated ? ago(now.value - held.oldestIat) : t("trust.too_old_to_date"));
  return html`
    <p class=${`strip ${level.value}`} role="status">
      <b>${t(`trust.${level.value}`)}</b>
      ${held && html`<span>${t("trust.age", { moment: age! })}</span>`}
      ${held && html`<span>${t("trust.issuers", { count: held.issuers })}</span>`}
      <span class=${desk.value && !isAsking.value ? "lacking" : ""}>${t(network())}</span>
      ${!isStored.value && !shown.value && html`<span class="unstored">${t("trust.unstored")}</span>`}
      ${lost > 0 && html`<span class="refused">${t("trust.refused", { n: lost })}</span>`}
    </p>
  ` as VNode;
}

function Screen(): VNode {
  switch (screen.value) {
    case "choose":
      return html`<${Troubles} /><${Choose} />` as VNode;
    case "settings":
      return html`<${Settings} />` as VNode;
    case "training":
      return html`<${Training} />` as VNode;
    case "scan":
      return html`${!shown.value && html`<${Troubles} />`}<${Scan} key="scan" />` as VNode;
  }
}

/** The camera stays open below a verdict, unseen: the next code may take its place. */
function Scan(): VNode {
  const element = useRef<HTMLVideoElement>(null);
  const isCovered = shown.value !== undefined;
  useEffect(() => {
    setVideo(element.current);
    if (!trouble.value) void openIfAllowed();
    return () => setVideo(null);
  }, []);
  useEffect(() => {
    if (!isCovered) document.getElementById("main")?.focus({ preventScroll: true });
  }, [isCovered]);
  const view = html`
    <div key="view" class=${`view ${cameraOn.value ? "on" : "off"}`}>
      <video ref=${element} playsinline muted aria-hidden="true" tabindex="-1"></video>
      ${!isCovered && cameraOn.value && html`<div class="aim" aria-hidden="true"></div><p class="hint">${t("aim")}</p>`}
      ${!isCovered && !cameraOn.value && html`<${Closed} />`}
    </div>`;
  if (isCovered) return html`<section class="scan covered" aria-hidden="true">${view}</section>` as VNode;
  // A wrong clock, and a device that keeps nothing, are said by themselves.
  const blocked = !clockWrong.value && !arePinsUnread() && (level.value === "none" || level.value === "stale");
  return html`
    <section class="scan" aria-label=${t("aim")}>
      ${blocked && html`<${Blocked} />`}
      ${profile.value?.high && html`<${Challenge} />`}
      ${view}
      ${tips.value && html`<${Tips} />`}
      ${uploadEmpty.value && html`<p class="warn" role="alert">${t("upload.none")}</p>`}
      ${manualOpen.value && html`<${Manual} />`}
      <${Tools} />
      <p class="small">${t("other_ways")}</p>
    </section>
  ` as VNode;
}

async function openIfAllowed(): Promise<void> {
  try {
    const given = await navigator.permissions.query({ name: "camera" as PermissionName });
    if (given.state === "granted") await openCamera();
  } catch {
    // A browser that does not tell: one tap opens the camera.
  }
}

function Closed(): VNode {
  if (cameraStarting.value) return html`<p class="starting" role="status">${t("camera.starting")}</p>` as VNode;
  if (trouble.value) return html`<${CameraTrouble} />` as VNode;
  return html`<button class="start" onClick=${openCamera}>${t("start")}</button>` as VNode;
}

function CameraTrouble(): VNode {
  const code = trouble.value!;
  const help =
    code === "denied" ? (isIos() ? "camera.denied_ios" : "camera.denied_android") : `camera.${code}_help`;
  return html`
    <div class="trouble" role="alert">
      <h2>${t(`camera.${code}`)}</h2>
      <p>${t(help)}</p>
      ${code === "denied" && html`<${PermissionPicture} />`}
      ${code === "in_app"
        ? html`<${CopyAddress} />`
        : code !== "insecure" && html`<button onClick=${openCamera}>${t("camera.retry")}</button>`}
    </div>
  ` as VNode;
}

/** Where the setting is: the address line with its first sign marked. */
function PermissionPicture(): VNode {
  return html`
    <svg class="where" viewBox="0 0 240 40" aria-hidden="true" focusable="false">
      <rect x="1" y="6" width="238" height="28" rx="14" fill="none" stroke="currentColor" stroke-width="2" />
      <circle cx="20" cy="20" r="16" fill="none" stroke="#ffb400" stroke-width="4" />
      <path d="M12 16h16M12 24h16M16 13v6M24 21v6" stroke="currentColor" stroke-width="2" />
      <text x="46" y="25" font-size="14" fill="currentColor">${location.host}</text>
    </svg>
  ` as VNode;
}

function CopyAddress(): VNode {
  const element = useRef<HTMLButtonElement>(null);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(location.href);
    if (element.current) element.current.textContent = t("camera.copied");
  };
  return html`<button ref=${element} onClick=${copy}>${t("camera.copy")}</button>
    <output class="address">${location.href}</output>` as VNode;
}

const isIos = (): boolean => /iPhone|iPad/.test(navigator.userAgent) || (isInApp() && /Mac OS/.test(navigator.userAgent));

function Tools(): VNode {
  const { torch, zoom, others } = abilities.value;
  const file = useRef<HTMLInputElement>(null);
  const chosen = (event: Event): void => {
    const field = event.target as HTMLInputElement;
    const picture = field.files?.[0];
    field.value = "";
    if (picture) void checkPicture(picture);
  };
  return html`
    <div class="tools">
      ${cameraOn.value && torch && html`
        <button aria-pressed=${torchOn.value} onClick=${switchTorch}>${icons.bulb()}${t(torchOn.value ? "torch.off" : "torch.on")}</button>`}
      ${cameraOn.value && others && html`<button onClick=${flipCamera}>${icons.turn()}${t("flip")}</button>`}
      <button onClick=${() => file.current?.click()} disabled=${engineFailed.value}>${icons.picture()}${t("upload")}</button>
      <input ref=${file} type="file" accept="image/*" hidden onChange=${chosen} aria-label=${t("upload")} />
      <button aria-expanded=${manualOpen.value} onClick=${() => (manualOpen.value = !manualOpen.value)}>
        ${icons.keys()}${t("manual")}
      </button>
      ${cameraOn.value && zoom && html`
        <label class="zoom">${t("zoom")}
          <input type="range" min=${zoom.min} max=${zoom.max} step=${zoom.step || 0.1}
            onInput=${(event: Event) => zoomTo(Number((event.target as HTMLInputElement).value))} />
        </label>`}
    </div>
  ` as VNode;
}

function Manual(): VNode {
  const element = useRef<HTMLTextAreaElement>(null);
  useEffect(() => element.current?.focus(), []);
  const check = (event: Event): void => {
    event.preventDefault();
    void checkText(element.current?.value ?? "");
  };
  return html`
    <form class="manual" onSubmit=${check}>
      <label for="code">${t("manual.label")}</label>
      <textarea id="code" ref=${element} rows="3" autocomplete="off" autocapitalize="characters" spellcheck=${false}></textarea>
      <button>${t("manual.check")}</button>
    </form>
  ` as VNode;
}

function Tips(): VNode {
  return html`
    <div class="tips" role="status">
      <h2>${t("tips.title")}</h2>
      <ul>
        <li>${t("tips.light")}</li>
        <li>${t("tips.distance")}</li>
        <li>${t("tips.wallet")}</li>
        <li>${t("tips.upload")}</li>
      </ul>
    </div>
  ` as VNode;
}

/** Nothing can be valid now: said before anybody is scanned. */
function Blocked(): VNode {
  return html`
    <div class="notice bad" role="alert">
      <p>${t(level.value === "none" ? "trust.none_help" : "trust.stale_help")}</p>
      <button disabled=${updating.value} onClick=${() => refresh(toWorker)}>
        ${t(updating.value ? "trust.updating" : "trust.update")}
      </button>
    </div>
  ` as VNode;
}

/** With a key that is not kept go the receipts that wait to be told. */
const isReloadLossy = (): boolean => waiting.value > 0 && !desk.value?.keep;

/** What is no verdict: the camera goes on. */
function Toast(): VNode {
  const which = toast.value;
  const { torch } = abilities.value;
  return html`
    <div class="toasts" role="status">
      ${which && html`
        <div class="toast">
          <b>${t(`toast.${which}`)}</b>
          <span lang=${other()}>${t(`toast.${which}`, {}, other())}</span>
          <p>${t(`toast.${which}_help`)}</p>
          ${which === "damaged" && cameraOn.value && torch && html`
            <button onClick=${switchTorch}>${t(torchOn.value ? "torch.off" : "torch.on")}</button>`}
        </div>`}
      ${newVersion.value && !shown.value && !isReloadLossy() && html`
        <div class="toast calm">${t("new_version")} <button onClick=${takeNewVersion}>${t("reload")}</button></div>`}
    </div>
  ` as VNode;
}

