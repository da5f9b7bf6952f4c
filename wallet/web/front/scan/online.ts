/** With a desk's key and network the server is asked too. What it says can only make a verdict graver, never better. */

import type { Answer } from "../verifier";
import { desk, deskRefused, online, type Desk } from "./state";
import { forget, read, write } from "./store";

const PATIENCE_MILLISECONDS = 8000;

export interface Share {
  /** Absent: nobody is asked, a consent given before has answered. */
  id?: string;
  state: string;
  portrait?: { media_type: string; content: string };
}

export interface OnlineAnswer extends Answer {
  share?: Share;
}

export async function readDesk(): Promise<void> {
  desk.value = await read<Desk>("desk");
}

export async function useDesk(given: Desk, keep: boolean): Promise<void> {
  deskRefused.value = false;
  desk.value = given;
  await (keep ? write("desk", given) : forget("desk"));
}

export async function forgetDesk(): Promise<void> {
  desk.value = undefined;
  await forget("desk");
}

/** Return what the server says of a code; undefined where it cannot be asked. nonce: of the challenge it answers. */
export async function askServer(code: string, nonce?: Uint8Array): Promise<OnlineAnswer | undefined> {
  if (!desk.value || !online.value) return undefined;
  const order = { code, purpose: desk.value.purpose, ...(nonce ? { nonce: base64url(nonce) } : {}) };
  return asked<OnlineAnswer>("/v1/verifier/checks", { method: "POST", body: JSON.stringify(order) });
}

/** Return what has become of a share: the visitor answers on the phone. */
export function readShare(id: string): Promise<Share | undefined> {
  return asked<Share>(`/v1/verifier/shares/${encodeURIComponent(id)}`, {});
}

async function asked<T>(path: string, what: RequestInit): Promise<T | undefined> {
  if (!desk.value) return undefined;
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE_MILLISECONDS);
  try {
    const headers = { "Content-Type": "application/json", "X-Desk-Key": desk.value.key };
    const response = await fetch(path, { ...what, cache: "no-store", headers, signal: patience.signal });
    deskRefused.value = response.status === 401 || response.status === 403;
    return response.ok ? ((await response.json()) as T) : undefined;
  } catch {
    online.value = false;
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
