/** One verdict, covering the screen: colour, shape and word first, then the person, then what to do. */

import { html } from "htm/preact";
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Answer, ClaimAnswer } from "../verifier";
import { AUTO_SECONDS, holdVerdict, isKeptNow, next } from "./gate";
import { sign } from "./icons";
import { claim, type Outcome } from "./outcome";
import { profile, shown, training, type Shown } from "./state";
import { ago, calendarDay, language, moment, other, said, t, type Language } from "./texts";

export function Verdict(): VNode {
  const { outcome, answer, milliseconds, photoState } = shown.value!;
  const element = useRef<HTMLDivElement>(null);
  const isKept = isKeptNow();
  useEffect(() => element.current?.focus({ preventScroll: true }), [outcome.code]);
  return html`
    <div class=${`verdict ${outcome.look} ${training.value ? "training" : ""}`} data-outcome=${outcome.code} data-milliseconds=${Math.round(milliseconds)}
      onKeyDown=${(event: KeyboardEvent) => event.key === "Escape" && next()}>
      <div class="word" role="alert" tabindex="-1" ref=${element}>
        ${training.value && html`<p class="drill">${t("training.not_real")}</p>`}
        ${sign(outcome.look)}
        <h2 class=${word(outcome, language.value).length > 22 ? "long" : ""}>${word(outcome, language.value)}</h2>
        <p class="second" lang=${other()}>${word(outcome, other())}</p>
        <p class="todo">${todo(shown.value!)}</p>
      </div>
      <div class="facts">
        ${photoState === "unsigned" && html`<p class="unsigned" role="status">${t("fact.photo_unsigned")}</p>`}
        ${answer?.document ? html`<${Person} answer=${answer} />` : null}
        <${How} />
      </div>
      <div class="onward">
        <button class="next" onClick=${next}>
          <span>${t("next")} <small lang=${other()}>${t("next", {}, other())}</small></span>
          ${!isKept && html`<small>${t("next.auto", { n: AUTO_SECONDS })}</small>`}
        </button>
        ${!isKept && html`<button class="hold" onClick=${holdVerdict}>${t("next.hold")}</button>`}
      </div>
    </div>
  ` as VNode;
}

function word(outcome: Outcome, lang: Language): string {
  const values = {
    moment: outcome.moment === undefined ? "--:--" : moment(outcome.moment, "time"),
    place: outcome.place ?? "--",
  };
  return t(`outcome.${outcome.code}`, values, lang);
}

function todo({ outcome, photo }: Shown): string {
  if (outcome.code === "valid" && photo) return t("outcome.valid.next");
  const when = outcome.moment === undefined ? "--/--" : moment(outcome.moment);
  return t(outcome.next, { moment: when, n: profile.value?.min_age ?? "" });
}

/** Names of claims that say who somebody is; each is the same in every utility that has it. */
const NAME = "full_name";
const NUMBER_TAILS = ["number_last4", "number_tail"];
/** So many letters, also in capitals, take four lines beside a photo on a small phone: the birth date has room below. */
const LONG_NAME = 28;
const WITH_THE_NAME = [NAME, "birth_date", "sex", "portrait_sha256", "portrait_hash", ...NUMBER_TAILS];

function Person({ answer }: { answer: Answer }): VNode {
  const [isTail, setTail] = useState(false);
  const { photo, outcome } = shown.value!;
  const { document: found } = answer;
  const here = training.value ? undefined : profile.value;
  if (!here && !training.value) return html`<div class="person"></div>` as VNode; // how much is shown here, nobody knows
  const name = claim(answer, NAME);
  const tail = NUMBER_TAILS.map((each) => claim(answer, each)).find((each) => typeof each === "string");
  const picture = photo && html`<img class="photo" src=${photo} alt=${t("fact.photo")} />`;
  if (here?.view === "answer") {
    // Of whom another verdict is given the age was never told.
    if (outcome.code !== "valid" && outcome.code !== "not_accepted") return html`<div class="person">${picture}</div>` as VNode;
    const key = outcome.ofAge === undefined ? "rule.age_unknown" : outcome.ofAge ? "fact.over" : "fact.under";
    return html`<div class="person">${picture}<p class="fullName">${t(key, { n: here.min_age ?? "" })}</p></div>` as VNode;
  }
  const others = found!.claims.filter((each) => !WITH_THE_NAME.includes(each.name ?? ""));
  const isShown = (each: ClaimAnswer): boolean => Boolean(here?.shows?.includes(each.name ?? ""));
  const atOnce = others.filter(isShown);
  const folded = others.filter((each) => !isShown(each));
  return html`
    <div class="person">
      ${picture}
      <div>
        ${typeof name === "string" && html`<p class=${name.length > LONG_NAME ? "fullName long" : "fullName"} lang="vi" translate=${false}>${name}</p>`}
        <p class="born">${[born(answer), sex(answer)].filter(Boolean).join(" · ")}</p>
        ${tail && html`
          <p class="tail"><span class="label">${t("fact.number")}</span> <span>••••${isTail ? tail : "••••"}</span>
            ${!isTail && html`<button class="plain" onClick=${() => setTail(true)}>${t("fact.show_last4")}</button>`}
          </p>`}
      </div>
    </div>
    ${atOnce.length > 0 && html`<div class="atOnce"><${Facts} of=${atOnce} /></div>`}
    <p class="origin">${said(found!.utility.title) || found!.utility.code} · ${t("fact.valid_until", { moment: moment(Date.parse(found!.expires_at) / 1000) })} · ${t("fact.issuer", { name: said(found!.issuer.name) || found!.issuer.code })}</p>
    ${folded.length > 0 && html`
      <details>
        <summary>${t("fact.more")}</summary>
        <${Facts} of=${folded} />
      </details>`}
  ` as VNode;
}

function Facts({ of }: { of: ClaimAnswer[] }): VNode {
  return html`<dl class="rows">${of.map((each) => html`
    <div><dt>${said(each.label) || t("fact.unnamed", { n: each.n ?? "?" })}</dt><dd>${told(each.kind, each.value)}</dd></div>`)}</dl>` as VNode;
}

function born(answer: Answer): string {
  const day = claim(answer, "birth_date");
  return typeof day === "string" ? `${t("fact.born")} ${calendarDay(day)}` : "";
}

function sex(answer: Answer): string {
  const found = claim(answer, "sex");
  return typeof found === "string" ? found : "";
}

function told(kind: string | undefined, value: unknown): string {
  if (value === true || value === false) return t(value ? "fact.yes" : "fact.no");
  if (kind === "day") return calendarDay(String(value));
  if (kind === "time") return moment(Number(value));
  return Array.isArray(value) ? value.join(", ") : String(value);
}

/** How this was found out: with or without network, by whose signature, on how old a list. */
function How(): VNode {
  const { answer, askedAt, listAgeSeconds, photoState, server } = shown.value!;
  return html`
    <div role="status"><ul class="how">
      ${askedAt !== undefined
        ? html`<li>${t("checked.online", { moment: moment(askedAt, "time") })}</li>`
        : listAgeSeconds !== undefined && html`<li>${t("checked.offline", { moment: ago(listAgeSeconds) })}</li>`}
      ${answer?.document && html`<li class=${answer.holder_binding === "server" ? "weaker" : ""}>${t(`holder.${answer.holder_binding}`)}</li>`}
      ${server && html`<li class=${server === "asking" ? "" : "weaker"}>${t(`checked.${server}`)}</li>`}
      ${photoState && photoState !== "unsigned" && html`<li>${t(`fact.photo_${photoState}`)}</li>`}
    </ul></div>
  ` as VNode;
}
