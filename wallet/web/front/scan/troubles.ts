/** What is wrong with what this device was given to trust: said until it is mended. */

import { html } from "htm/preact";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { toWorker } from "./gate";
import { InstallHint } from "./installing";
import { unkept } from "./keeping";
import { clockOff, clockWrong, deskLost, deskPaused, engineFailed, heldPins, lost, offeredPins, refused } from "./state";
import { t } from "./texts";
import { acceptPins } from "./trust";

export function Troubles(): VNode {
  return html`
    ${clockWrong.value && html`
      <div class="notice bad" role="alert">
        <h2>${t("clock.title")}</h2>
        <p>${clockWrong.value === "past" ? t("clock.past") : t("clock", { minutes: Math.round(Math.abs(clockOff.value ?? 0) / 60) })}</p>
      </div>`}
    ${lost.value && html`
      <div class="notice" role="alert">
        <h2>${t("lost.title")}</h2><p>${t("lost")}</p><${InstallHint} />
        <button onClick=${() => (lost.value = false)}>${t("close")}</button>
      </div>`}
    ${deskLost.value && html`
      <div class="notice bad" role="alert">
        <h2>${t("desk.lost_title")}</h2><p>${t("desk.lost")}</p>
        <button onClick=${() => (deskLost.value = false)}>${t("close")}</button>
      </div>`}
    ${deskPaused.value && html`
      <div class="notice" role="status"><h2>${t("desk.paused_title")}</h2><p>${t("desk.paused")}</p></div>`}
    ${offeredPins.value.length > 0 && html`<${PinChanged} />`}
    ${refused.value && html`
      <div class="notice bad" role="alert"><h2>${t("refused.title")}</h2><p>${t(`refused.${refused.value}`)}</p></div>`}
    ${unkept.value.size > 0 && html`
      <div class="notice bad" role="alert"><h2>${t("store.failed_title")}</h2><p>${t("store.failed")}</p></div>`}
    ${engineFailed.value && html`<div class="notice" role="alert"><p>${t("engine.failed")}</p></div>`}
  ` as VNode;
}

function PinChanged(): VNode {
  const [typed, setTyped] = useState("");
  const [differs, setDiffers] = useState(false);
  const offered = offeredPins.value;
  const accept = (event: Event): void => {
    event.preventDefault();
    // Whoever accepts must have the paper: what stands on this screen came from the server and proves nothing.
    const isSame = offered.every((pin) => pin.startsWith(typed.trim().toLowerCase())) && typed.trim().length === 8;
    setDiffers(!isSame);
    if (isSame) void acceptPins(toWorker);
  };
  return html`
    <div class="notice bad" role="alert">
      <h2>${t("pin.changed_title")}</h2>
      <p>${t("pin.changed")}</p>
      <details>
        <summary>${t("pin.held")}</summary>
        ${heldPins.value.map((pin) => html`<code>${pin}</code>`)}
      </details>
      <form onSubmit=${accept}>
        <label for="pin">${t("pin.type")}</label>
        <input id="pin" value=${typed} maxlength="8" autocomplete="off" autocapitalize="none" spellcheck=${false}
          onInput=${(event: Event) => setTyped((event.target as HTMLInputElement).value)} />
        ${differs && html`<p class="warn">${t("pin.differs")}</p>`}
        <button>${t("pin.accept")}</button>
      </form>
    </div>
  ` as VNode;
}
