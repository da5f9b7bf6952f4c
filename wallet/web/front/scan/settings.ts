/** Choices of this device, the count of the shift, the desk's key, and training. */

import { html } from "htm/preact";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { goTo, newShift, playSample, toWorker } from "./gate";
import { InstallHint } from "./installing";
import { forgetDesk, useDesk } from "./online";
import {
  choices, choose, config, desk, deskRefused, heldPins, tally, trust, updating, type Theme,
} from "./state";
import { moment, said, t } from "./texts";
import { Troubles } from "./troubles";
import { refresh } from "./trust";
import { samples, type Sample } from "./samples";

export function Settings(): VNode {
  const element = useRef<HTMLHeadingElement>(null);
  useEffect(() => element.current?.focus(), []);
  return html`
    <section class="settings">
      <h2 tabindex="-1" ref=${element}>${t("settings")}</h2>
      <${Troubles} />
      <button onClick=${() => goTo("choose")}>${t("profile.change")}</button>
      <button onClick=${() => goTo("training")}>${t("set.training")}</button>
      <h3>${t("set.options")}</h3>
      <${Switch} name="sound" />
      <${Switch} name="vibration" />
      <label for="theme">${t("set.theme")}</label>
      <select id="theme" value=${choices.value.theme}
        onChange=${(event: Event) => choose({ theme: (event.target as HTMLSelectElement).value as Theme })}>
        ${(["auto", "light", "dark"] as const).map((each) => html`<option value=${each} selected=${each === choices.value.theme}>${t(`set.theme_${each}`)}</option>`)}
      </select>
      <h3>${t("set.tally")}</h3>
      <${Tally} />
      <h3>${t("set.data")}</h3>
      <${Data} />
      <h3>${t("set.desk")}</h3>
      <${DeskKey} />
      <${InstallHint} />
    </section>
  ` as VNode;
}

function Switch({ name }: { name: "sound" | "vibration" }): VNode {
  return html`
    <label class="option">
      <input type="checkbox" checked=${choices.value[name]} onChange=${() => choose({ [name]: !choices.value[name] })} />
      <span>${t(`set.${name}`)}</span>
    </label>
  ` as VNode;
}

function Tally(): VNode {
  const { since, valid, invalid, unknown } = tally.value;
  return html`
    <dl class="tally">
      <div><dt>${t("set.tally_valid")}</dt><dd>${valid}</dd></div>
      <div><dt>${t("set.tally_invalid")}</dt><dd>${invalid}</dd></div>
      <div><dt>${t("set.tally_unknown")}</dt><dd>${unknown}</dd></div>
    </dl>
    ${since > 0 && html`<p class="small">${t("set.tally_since", { moment: moment(since) })}</p>`}
    <button onClick=${newShift}>${t("set.tally_reset")}</button>
    <p class="small">${t("set.privacy")}</p>
  ` as VNode;
}

function Data(): VNode {
  const built = config.value?.built_at;
  return html`
    <button disabled=${updating.value} onClick=${() => refresh(toWorker)}>${t(updating.value ? "trust.updating" : "trust.update")}</button>
    ${trust.value && html`<p class="small">${t("trust.age", { moment: moment(Math.max(trust.value.iat, built ?? 0)) })}</p>`}
    <p class="small">${t("pin.held")}: ${heldPins.value.map((pin) => html`<code>${pin}</code>`)}</p>
    ${built !== undefined && html`<p class="small">${t("set.about", { moment: moment(built, "day") })}</p>`}
  ` as VNode;
}

function DeskKey(): VNode {
  const key = useRef<HTMLInputElement>(null);
  const purpose = useRef<HTMLInputElement>(null);
  const keep = useRef<HTMLInputElement>(null);
  const save = (event: Event): void => {
    event.preventDefault();
    const given = { key: key.current!.value.trim(), purpose: purpose.current!.value.trim() };
    if (given.key && given.purpose) void useDesk(given, keep.current!.checked);
  };
  if (desk.value) {
    return html`
      <p>${t("set.desk_on")}</p>
      ${deskRefused.value && html`<p class="warn" role="alert">${t("set.desk_refused")}</p>`}
      <button onClick=${forgetDesk}>${t("set.desk_forget")}</button>
    ` as VNode;
  }
  return html`
    <form onSubmit=${save}>
      <p class="small">${t("set.desk_help")}</p>
      <label for="desk">${t("set.desk")}</label>
      <input id="desk" ref=${key} type="password" autocomplete="off" required />
      <label for="purpose">${t("set.desk_purpose")}</label>
      <input id="purpose" ref=${purpose} autocomplete="off" autocapitalize="none" required />
      <label class="option"><input type="checkbox" ref=${keep} /><span>${t("set.desk_keep")}</span></label>
      <button>${t("set.desk_save")}</button>
    </form>
  ` as VNode;
}

/** Codes of every outcome, judged as any other; nothing of it is counted. */
export function Training(): VNode {
  const element = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    element.current?.focus();
    void samples.refresh();
  }, []);
  const play = async (sample: Sample): Promise<void> => {
    await samples.refresh(); // a live code of a minute ago is too old
    const fresh = samples.list.value.find((each) => each.key === sample.key) ?? sample;
    await playSample(fresh.code, fresh.times ?? 1);
  };
  return html`
    <section class="settings">
      <h2 tabindex="-1" ref=${element}>${t("set.training")}</h2>
      <p>${t(samples.list.value.length ? "set.training_help" : "set.training_none")}</p>
      <div class="samples">
        ${samples.list.value.map((each) => html`<button key=${each.key} onClick=${() => play(each)}>${said(each.title)}</button>`)}
      </div>
      <button class="start" onClick=${() => goTo("scan")}>${t("set.training_end")}</button>
    </section>
  ` as VNode;
}
