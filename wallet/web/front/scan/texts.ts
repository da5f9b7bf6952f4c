/** The words of this page, from the one catalogue, in two languages. */

import { signal } from "@preact/signals";
import { scan as en } from "../../../texts/en.json";
import { scan as vi } from "../../../texts/vi.json";
import type { Names } from "../verifier";

export type Language = "vi" | "en";
const WORDS: Record<Language, Record<string, string>> = { vi, en };

export const language = signal<Language>("vi");

export function other(): Language {
  return language.value === "vi" ? "en" : "vi";
}

/** Return a text in the language chosen, or in `lang`, filled with `values`. A key without a text is a defect. */
export function t(key: string, values: Record<string, string | number> = {}, lang: Language = language.value): string {
  const text = WORDS[lang][key];
  if (text === undefined) throw new Error(`no text: ${key}`);
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export function said(both: Names | undefined): string {
  return both?.[language.value] ?? both?.vi ?? "";
}

const ZONE = "Asia/Ho_Chi_Minh";

/** Return a moment as a day and, where it is of today or `time` is asked for, the time. */
export function moment(seconds: number, how: "day" | "time" | "both" = "both"): string {
  const date = new Date(seconds * 1000);
  const day = date.toLocaleDateString("en-GB", { timeZone: ZONE, day: "2-digit", month: "2-digit", year: "numeric" });
  const time = date.toLocaleTimeString("en-GB", { timeZone: ZONE, hour: "2-digit", minute: "2-digit" });
  return how === "day" ? day : how === "time" ? time : `${time} ${day}`;
}

/** Return "YYYY-MM-DD" as dd/mm/yyyy, a year alone as it is. */
export function calendarDay(day: string): string {
  return day.split("-").reverse().join("/");
}

/** Return how long ago something was, in words. */
export function ago(seconds: number, lang: Language = language.value): string {
  const minutes = Math.floor(Math.max(0, seconds) / 60);
  if (minutes < 1) return t("ago.now", {}, lang);
  if (minutes < 60) return t("ago.minutes", { minutes }, lang);
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? t("ago.hours", { hours }, lang) : t("ago.days", { days: Math.floor(hours / 24) }, lang);
}
