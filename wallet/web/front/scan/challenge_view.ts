/** The gate's challenge as a code that the visitor's phone reads first. */

import { html } from "htm/preact";
import type { VNode } from "preact";
import encodeQR from "qr";
import { challenges } from "./gate";
import { choices, now } from "./state";
import { t } from "./texts";

const QUIET = 4;

export function Challenge(): VNode {
  const text = challenges.text(choices.value.gate, now.value);
  const rows = encodeQR(text, "raw", { ecc: "medium", border: QUIET });
  const path = rows
    .map((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : "")).join(""))
    .join("");
  return html`
    <div class="challenge">
      <h2>${t("challenge.title")}</h2>
      <svg class="qr" viewBox=${`0 0 ${rows.length} ${rows.length}`} role="img" data-text=${text}
        aria-label=${t("challenge.alt", { place: choices.value.gate })} shape-rendering="crispEdges">
        <rect width="100%" height="100%" fill="#fff" /><path d=${path} fill="#000" />
      </svg>
      <h2>${t("challenge.then")}</h2>
    </div>
  ` as VNode;
}
