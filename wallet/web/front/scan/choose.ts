/** Which gate this is: chosen once. */

import { html } from "htm/preact";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { goTo } from "./gate";
import { followGate } from "./online";
import type { Profile } from "./outcome";
import { choices, choose, config, desk, profile } from "./state";
import { said, t } from "./texts";

const GATE = /^[A-Z0-9-]{1,16}$/;

export function Choose(): VNode {
  const profiles = config.value?.profiles ?? [];
  const [code, setCode] = useState(choices.value.profile);
  const ofDesk = desk.value?.gate;
  const [typed, setGate] = useState(choices.value.gate || "CUA-1");
  const gate = ofDesk ?? typed;
  const [isWrong, setWrong] = useState(false);
  const isGone = config.value !== undefined && choices.value.profile !== "" && !profile.value;
  // In the place of one that is gone nobody gets another without having said so.
  const picked = profiles.find((each) => each.code === code) ?? (isGone ? undefined : profiles[0]);
  const save = (event: Event): void => {
    event.preventDefault();
    const id = gate.trim().toUpperCase();
    setWrong(!GATE.test(id));
    if (!GATE.test(id) || !picked) return;
    choose({ profile: picked.code, gate: id });
    void followGate();
    goTo("scan");
  };
  if (!profiles.length) return html`<p class="notice" role="status">${t("profile.none")}</p>` as VNode;
  return html`
    <form class="choose" onSubmit=${save}>
      <fieldset>
        <legend><h2>${t("profile.choose")}</h2></legend>
        ${isGone && html`<p class="warn" role="alert">${t("profile.gone")}</p>`}
        <p class="small">${t("profile.choose_help")}</p>
        ${profiles.map((each) => html`
          <label class="option" key=${each.code}>
            <input type="radio" name="profile" required value=${each.code} checked=${each === picked} onChange=${() => setCode(each.code)} />
            <span><b>${said(each.title)}</b><span class="small">${demands(each)}</span></span>
          </label>`)}
      </fieldset>
      <label for="gate">${t(ofDesk ? "profile.gate_of_desk" : "profile.gate")}</label>
      <input id="gate" value=${gate} readonly=${ofDesk !== undefined} maxlength="16" autocomplete="off" autocapitalize="characters"
        aria-invalid=${isWrong} aria-describedby=${isWrong ? "gate-wrong" : undefined}
        onInput=${(event: Event) => setGate((event.target as HTMLInputElement).value)} />
      ${isWrong && html`<p id="gate-wrong" class="warn" role="alert">${t("profile.gate_wrong")}</p>`}
      <button class="start">${t("profile.save")}</button>
    </form>
  ` as VNode;
}

/** Return what a gate demands, in a line. */
function demands(each: Profile): string {
  const parts = [each.note ? said(each.note) : t("profile.any_document")];
  if (each.min_age !== undefined) parts.push(t("profile.min_age", { n: each.min_age }));
  if (each.high) parts.push(t("profile.high"));
  return parts.join(" · ");
}
