/** The sample codes of a sandbox, one for each outcome. A service that has none answers that there is nothing. */

import { signal } from "@preact/signals";
import type { Names } from "../verifier";

export interface Sample {
  key: string;
  code: string;
  /** How often it is shown; the last time counts. */
  times?: number;
  title: Names;
}

const FRESH_MILLISECONDS = 15_000;
let readAt = 0;

const list = signal<Sample[]>([]);

async function refresh(): Promise<void> {
  if (Date.now() - readAt < FRESH_MILLISECONDS) return;
  try {
    const response = await fetch("/v1/sandbox/test-codes", { cache: "no-store" });
    if (!response.ok) return;
    list.value = ((await response.json()) as { data: Sample[] }).data;
    readAt = Date.now();
  } catch {
    // Without network the ones at hand stay, as long as they live.
  }
}

export const samples = { list, refresh };
