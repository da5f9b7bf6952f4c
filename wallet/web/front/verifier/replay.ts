// Which live codes were seen at which gate: each works once. Source: docs/wire.md, section 3, step 7.
import { hex } from "./bytes";

/** The memory of a gate. */
export interface Replay {
  /**
   * Remembers a code at a gate, in one step; returns whether it is new there.
   *
   * digest: SHA-256 over the outer payload. until, now: seconds; what was to be kept until before now is forgotten.
   * Throws when the memory cannot be used: then nothing may pass.
   */
  remember(gateId: string, digest: Uint8Array, until: number, now: number): boolean | Promise<boolean>;
}

/** A memory for one page or process. */
export class MemoryReplay implements Replay {
  private readonly until = new Map<string, number>();
  private nextSweep = 0;

  remember(gateId: string, digest: Uint8Array, until: number, now: number): boolean {
    if (now >= this.nextSweep) {
      for (const [seen, end] of this.until) if (end < now) this.until.delete(seen);
      this.nextSweep = now + 30;
    }
    const name = `${hex(digest)} ${gateId}`;
    if ((this.until.get(name) ?? -1) >= now) return false;
    this.until.set(name, until);
    return true;
  }
}
