/** Choices of this device, the count of the shift, the desk's key, and training. */

import { html } from "htm/preact";
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { forgetDesk, keptDesks, readKept } from "./desks";
import { goTo, playSample, toWorker } from "./gate";
import { InstallHint } from "./installing";
import { choosePurpose, Refused, useKept, useKey, type Refusal } from "./online";
import {
  choices, choose, config, desk, heldPins, tally, trust, updating, type Theme,
} from "./state";
import { keep } from "./keeping";
import { forgetRefused, refused, waiting } from "./receipts";
import { newShift } from "./tally";
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
    ${trust.value && html`<p class="small">${t("trust.age", { moment: moment(Math.max(trust.value.oldestIat, built ?? 0)) })}</p>`}
    <p class="small">${t("pin.held")}: ${heldPins.value.map((pin) => html`<code>${pin}</code>`)}</p>
    ${built !== undefined && html`<p class="small">${t("set.about", { moment: moment(built, "day") })}</p>`}
  ` as VNode;
}

function DeskKey(): VNode {
  const place = useRef<HTMLDivElement>(null);
  const first = useRef(true);
  const key = desk.value?.key;
  useEffect(() => {
    if (!first.current) place.current?.focus(); // what had the focus is gone
    first.current = false;
  }, [key]);
  return html`<div tabindex="-1" class="desk" ref=${place}>${desk.value ? html`<${DeskInUse} />` : html`<${DeskForm} />`}</div>` as VNode;
}

function DeskInUse(): VNode {
  const { organisation, gate, purpose, purposes } = desk.value!;
  return html`
    <p>${t("set.desk_on")}: <b>${said(organisation)} · ${gate}</b></p>
    <label for="purpose">${t("set.desk_purpose")}</label>
    <select id="purpose" value=${purpose} onChange=${(event: Event) => choosePurpose((event.target as HTMLSelectElement).value)}>
      ${!purpose && html`<option value="" selected>${t("set.desk_choose")}</option>`}
      ${purposes.map((each) => html`<option value=${each.code} selected=${each.code === purpose}>${said(each.title)}</option>`)}
    </select>
    ${!purpose && html`<p class="warn">${t("set.desk_no_purpose")}</p>`}
    ${waiting.value > 0 && html`<p class="warn" role="status">${t("set.receipts", { n: waiting.value })}</p>`}
    <${Refusals} />
    <button onClick=${() => forgetDesk(false)}>${t("set.desk_forget")}</button>
  ` as VNode;
}

/** Receipts that will never arrive: nothing of them is left but how many there were, and why. */
function Refusals(): VNode | null {
  const found = Object.entries(refused.value);
  if (!found.length) return null;
  const read = async (event: Event): Promise<void> => {
    const around = (event.currentTarget as HTMLElement).closest<HTMLElement>(".desk");
    if (desk.value) await keep("receipts", forgetRefused(desk.value));
    around?.focus(); // what had the focus is gone
  };
  return html`
    <div class="refusals">
      ${found.map(([why, n]) => html`<p class="warn">${t(`set.refused_${why}`, { n })}</p>`)}
      <p class="small">${t("set.refused_help")}</p>
      <button onClick=${read}>${t("set.refused_read")}</button>
    </div>
  ` as VNode;
}

function DeskForm(): VNode {
  const key = useRef<HTMLInputElement>(null);
  const keep = useRef<HTMLInputElement>(null);
  const [isBusy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal>();
  useEffect(() => void readKept(), []);
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    setRefusal(undefined);
    try {
      await useKey(key.current!.value.trim(), keep.current!.checked);
    } catch (error) {
      setBusy(false);
      setRefusal(error instanceof Refused ? error.refusal : "failed");
      key.current?.focus();
    }
  };
  return html`
    <p class="small">${t("set.desk_help")}</p>
    ${keptDesks.value.length > 0 && html`
      <p>${t("set.desk_kept")}</p>
      ${keptDesks.value.map((each) => html`
        <button key=${each.key} class="kept" onClick=${() => useKept(each)}>${said(each.organisation)} · ${each.gate}</button>`)}`}
    <form onSubmit=${save}>
      <label for="desk">${t("set.desk_key")}</label>
      <input id="desk" ref=${key} type="password" autocomplete="off" autocapitalize="none" spellcheck=${false} required
        aria-invalid=${refusal === "key"} aria-describedby=${refusal ? "desk-wrong" : undefined} />
      ${refusal && html`<p id="desk-wrong" class="warn" role="alert">${t(WORDS_OF[refusal] ?? "set.desk_failed")}</p>`}
      <label class="option"><input type="checkbox" ref=${keep} /><span>${t("set.desk_keep")}</span></label>
      <button aria-disabled=${isBusy}>${t(isBusy ? "set.desk_asking" : "set.desk_save")}</button>
    </form>
  ` as VNode;
}

const WORDS_OF: Partial<Record<Refusal, string>> = {
  key: "set.desk_refused", suspended: "set.desk_paused", unreachable: "set.desk_unreachable",
};

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
