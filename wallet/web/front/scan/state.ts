/** What the page shows and remembers. Signals; what outlives the page lies in localStorage and sessionStorage (choices) or store.ts. */

import { computed, effect, signal } from "@preact/signals";
import type { Answer, Names } from "../verifier";
import type { Abilities, Trouble } from "./camera";
import type { Trust } from "./messages";
import type { Refusal } from "./online";
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
  /** The server is being asked, or why it did not answer. */
  server?: "asking" | Refusal | undefined;
  /** When the server answered, seconds. */
  askedAt?: number;
  photo?: string | undefined;
  /** Why there is no photo, or what it is worth: key below `fact.photo_`. */
  photoState?: "wait" | "refused" | "expired" | "ended" | "none" | "unsigned" | undefined;
  /** Somebody keeps this verdict on the screen. */
  held?: boolean;
}

export interface Tally {
  since: number;
  valid: number;
  invalid: number;
  unknown: number;
}

export type Screen = "choose" | "scan" | "settings" | "training";
export type Theme = "auto" | "light" | "dark";

/** What a desk is registered for. claims: of each kind of document the names of those that it may see. */
export interface Purpose {
  code: string;
  title: Names;
  claims: Record<string, string[]>;
  portrait: boolean;
}

export interface Desk {
  key: string;
  /** Whether the key outlives the page. */
  keep: boolean;
  /** Code of the purpose that is asked for; empty until somebody chose one of several. */
  purpose: string;
  /** Code of the gate's profile at which that is the purpose: another one has another, or none. */
  at: string;
  gate: string;
  organisation: Names;
  purposes: Purpose[];
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

/** What is this page's own, also where another page of the browser has chosen since. */
interface OfPage extends Pick<Choices, "profile" | "gate"> {
  /** The desk that it works for, by name, empty for none, and for which purpose at which gate. */
  desk: { of: string } & Pick<Desk, "purpose" | "at">;
}

export const choices = signal<Choices>({ ...DEFAULTS, ...membersOf<Choices>("localStorage"), ...membersOf<OfPage>("sessionStorage") });
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
/** The server took the key back while it was in use. */
export const deskLost = signal(false);
/** The organisation of the desk is suspended: the key waits for it to go on. */
export const deskPaused = signal(false);
/** Whether the server is asked too: there is a key, and something to ask for. */
export const isAsking = computed(() => Boolean(desk.value?.purpose));
/** Whether the page lies on this device, and opens without network. */
export const isStored = signal(false);
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

/** How far the trust held can be relied on. Ready only when keys, lists and types are all there, and each counts. The
 * rule of wallet.verifier.refreshing.state_of. */
export const level = computed<Level>(() => {
  const held = trust.value;
  if (!held || !held.keys || !held.lists || !held.types) return "none";
  if (now.value >= held.firstExp || held.iat > now.value + CLOCK_SECONDS) return "stale";
  return now.value >= held.nextUpdate ? "usable" : "fresh";
});

/** What is chosen here is also what a new page begins with. */
export function choose(changes: Partial<Choices>): void {
  choices.value = { ...choices.value, ...changes };
  keepMembers("localStorage", changes);
  keepOfPage(changes);
}

function keepOfPage({ profile, gate }: Partial<OfPage>): void {
  keepMembers("sessionStorage", { ...(profile ? { profile } : {}), ...(gate ? { gate } : {}) });
}

export function keepChoices(): void {
  keepOfPage(choices.value);
  effect(() => {
    language.value = choices.value.language;
    document.documentElement.lang = choices.value.language;
    document.documentElement.dataset["theme"] = choices.value.theme;
  });
}

export const ofPage = (): Partial<OfPage> => membersOf<OfPage>("sessionStorage");
export const rememberDesk = (desk: OfPage["desk"]): void => keepMembers("sessionStorage", { desk });

type Place = "localStorage" | "sessionStorage";

function membersOf<T>(place: Place): Partial<T> {
  try {
    return JSON.parse(window[place].getItem(CHOICES) ?? "{}") as Partial<T>;
  } catch {
    return {};
  }
}

/** Keep these members; what another page has kept beside them stays. */
function keepMembers(place: Place, changes: object): void {
  try {
    window[place].setItem(CHOICES, JSON.stringify({ ...membersOf(place), ...changes }));
  } catch {
    // A browser that keeps nothing still scans.
  }
}
