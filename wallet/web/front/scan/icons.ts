/** Drawn signs: each verdict has a shape of its own, for eyes that do not see its colour. */

import { html } from "htm/preact";
import type { VNode } from "preact";
import type { Look } from "./outcome";

const drawn = (inside: VNode | VNode[], kind = "icon"): VNode =>
  html`<svg class=${kind} viewBox="0 0 64 64" aria-hidden="true" focusable="false">${inside}</svg>` as VNode;

const line = (d: string): VNode =>
  html`<path d=${d} fill="none" stroke="currentColor" stroke-width="7" stroke-linecap="round" stroke-linejoin="round" />` as VNode;

/** A round tick, an eight-sided cross, a question on its corner, a clock. */
export function sign(look: Look): VNode {
  switch (look) {
    case "good":
      return drawn([html`<circle cx="32" cy="32" r="27" fill="none" stroke="currentColor" stroke-width="5" />` as VNode, line("M19 33l9 10 17-21")], "sign");
    case "bad":
      return drawn([html`<path d="M21 4h22l17 17v22L43 60H21L4 43V21z" fill="none" stroke="currentColor" stroke-width="5" />` as VNode, line("M22 22l20 20M42 22L22 42")], "sign");
    case "ask":
      return drawn(
        [
          html`<path d="M32 3l29 29-29 29L3 32z" fill="none" stroke="currentColor" stroke-width="5" />` as VNode,
          line("M24 26c0-11 16-11 16-1 0 6-8 6-8 12"),
          html`<circle cx="32" cy="46" r="4" fill="currentColor" />` as VNode,
        ],
        "sign",
      );
    case "wait":
      return drawn([html`<rect x="5" y="5" width="54" height="54" rx="8" fill="none" stroke="currentColor" stroke-width="5" />` as VNode, line("M32 17v16l11 7")], "sign");
  }
}

export const gear = (): VNode => drawn(line("M10 18h26M50 18h4M10 46h4M28 46h26M43 11v14M21 39v14"));
export const bulb = (): VNode => drawn(line("M24 50h16M26 58h12M22 40c-12-10-6-32 10-32s22 22 10 32z"));
export const turn = (): VNode => drawn(line("M14 26a20 20 0 0 1 36-4M50 10v13H37M50 38a20 20 0 0 1-36 4M14 54V41h13"));
export const picture = (): VNode => drawn([line("M8 12h48v40H8zM8 44l14-14 12 12 8-8 14 12"), html`<circle cx="43" cy="23" r="4" fill="currentColor" />` as VNode]);
export const keys = (): VNode => drawn(line("M6 16h52v32H6zM16 27h1M26 27h1M37 27h1M47 27h1M20 38h24"));
