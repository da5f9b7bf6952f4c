/** What the page shows and remembers. Signals; what outlives the page lies in localStorage (choices) or store.ts. */

import { computed, effect, signal } from "@preact/signals";
import type { Answer } from "../verifier";
import type { Abilities, Trouble } from "./camera";
import type { Trust } from "./messages";
import type { Outcome, Profile, Toast } from "./outcome";
import { language, type Language } from "./texts";

/** What `/scan/config.json` tells. */
export interface Config {
  pins: string[];
  /** When the page was built, seconds: no date before it is ever shown. */
  built_at: number;
  profiles: Profile[];
}

export interface Shown {
  /** Counts the verdicts of this page. */
  number: number;
  outcome: Outcome;
  answer?: Answer;
  /** How long reading and judging took. */
  milliseconds: number;
  listAgeSeconds?: number;
  /** When the server was asked too, seconds. */
  askedAt?: number;
  photo?: string;
  /** The visitor has not agreed yet. */
  photoAwaited?: boolean;
}

export interface Tally {
  since: number;
  valid: number;
  invalid: number;
  unknown: number;
}

export type Screen = "choose" | "scan" | "settings" | "training";
export type Theme = "auto" | "light" | "dark";

export interface Desk {
  key: string;
  purpose: string;
}

const CHOICES = "viso-scan";
interface Choices {
  language: Language;
  sound: boolean;
  vibration: boolean;
  theme: Theme;
  camera: string;
  profile: string;
  gate: string;
  installed: boolean;
}
const DEFAULTS: Choices = {
  language: "vi",
  sound: true,
  vibration: true,
  theme: "auto",
  camera: "",
  profile: "",
  gate: "",
  installed: false,
};

export const choices = signal<Choices>(readChoices());
export const config = signal<Config | undefined>(undefined);
export const heldPins = signal<string[]>([]);
export const offeredPins = signal<string[]>([]);
export const trust = signal<Trust | undefined>(undefined);
export const online = signal(false);
export const updating = signal(false);
/** Key of the text below `refused.`: why the last list was not taken. */
export const refused = signal<string | undefined>(undefined);
export const lost = signal(false);
/** How far the clock of this device is from the server's, seconds; undefined as long as nobody told. */
export const clockOff = signal<number | undefined>(undefined);
export const screen = signal<Screen>("choose");
export const shown = signal<Shown | undefined>(undefined);
export const toast = signal<Toast | undefined>(undefined);
export const trouble = signal<Trouble | undefined>(undefined);
export const engineFailed = signal(false);
export const cameraOn = signal(false);
export const cameraStarting = signal(false);
export const abilities = signal<Abilities>({ torch: false, others: false });
export const torchOn = signal(false);
export const tips = signal(false);
export const uploadEmpty = signal(false);
export const manualOpen = signal(false);
export const training = signal(false);
export const tally = signal<Tally>({ since: 0, valid: 0, invalid: 0, unknown: 0 });
export const desk = signal<Desk | undefined>(undefined);
export const deskRefused = signal(false);
export const newVersion = signal(false);
export const installPrompt = signal<{ prompt: () => Promise<unknown> } | undefined>(undefined);
/** Moves on every few seconds: ages are told anew. */
export const now = signal(Date.now() / 1000);

const CLOCK_SECONDS = 60;

export const profile = computed<Profile | undefined>(() =>
  config.value?.profiles.find((each) => each.code === choices.value.profile),
);

/** `past`: before this page was built, or before the list was signed; `off`: differs from the server. */
export const clockWrong = computed<"past" | "off" | undefined>(() => {
  const earliest = Math.max(config.value?.built_at ?? 0, trust.value?.iat ?? 0);
  if (clockOff.value !== undefined && Math.abs(clockOff.value) > CLOCK_SECONDS) return "off";
  return now.value < earliest - CLOCK_SECONDS ? "past" : undefined;
});

export type Level = "none" | "stale" | "usable" | "fresh";

/** How far the trust held can be relied on. Ready only when keys, lists and types are all there. */
export const level = computed<Level>(() => {
  const held = trust.value;
  if (!held || !held.keys || !held.lists || !held.types) return "none";
  if (now.value >= held.exp) return "stale";
  return now.value >= held.nextUpdate ? "usable" : "fresh";
});

export function choose(changes: Partial<Choices>): void {
  choices.value = { ...choices.value, ...changes };
}

export function keepChoices(): void {
  effect(() => {
    language.value = choices.value.language;
    document.documentElement.lang = choices.value.language;
    document.documentElement.dataset["theme"] = choices.value.theme;
    try {
      localStorage.setItem(CHOICES, JSON.stringify(choices.value));
    } catch {
      // A browser that keeps nothing still scans.
    }
  });
}

function readChoices(): Choices {
  try {
    return { ...DEFAULTS, ...(JSON.parse(localStorage.getItem(CHOICES) ?? "{}") as Partial<Choices>) };
  } catch {
    return DEFAULTS;
  }
}
