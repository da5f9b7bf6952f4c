/** What a visitor shares from the phone: waited for, shown, and taken away once it may not be seen any more. */

import type { Answer } from "../verifier";
import { readShare, refusalOf, Refused, type Share } from "./online";
import type { Outcome } from "./outcome";
import { photoOf } from "./photo";
import type { Shown } from "./state";

const LOOK_AGAIN_MILLISECONDS = 1500;
/** While a photo stands: a consent that is withdrawn takes it away that soon. */
const PHOTO_LOOK_MILLISECONDS = 4000;
/** How long a photo may stand whose share cannot be read again: as long as the service lets any be read. */
const PHOTO_MILLISECONDS = 600_000;
/** Why there is no photo, by the state of the share: key below `fact.photo_`. */
const NO_PHOTO: Record<string, Shown["photoState"]> = { agreed: "none", refused: "refused", expired: "expired" };
const PASSING = ["unreachable", "quota", "failed"];

/** Whether why a share could not be read says nothing of the share. */
const isPassing = (error: unknown): boolean =>
  PASSING.includes(refusalOf(error)) && !(error instanceof Refused && error.problem?.code === "not_found");

/** One verdict, as long as it stands. */
export interface Standing {
  /** Change what is shown, and return it as it is then; undefined once another has its place. */
  amend(changes: Partial<Shown>): Shown | undefined;
  /** Let a graver outcome take its place. */
  worsen(later: Outcome): void;
  /** What the verdict has to be for a reason of docs/wire.md, section 3, that was found since. */
  outcomeFor(reason: string): Outcome;
  /** Count the seconds until the next visitor anew. */
  count(): void;
  /** Count no seconds. */
  stay(): void;
}

/** Show the photo once the visitor has agreed. As long as that is open, and the server is there, their verdict stands.
 *
 * found: what this device read in the code. A photo that is not the one signed there ends the verdict, and so does a
 * document that counts no more.
 */
export async function followShare(asked: Share, found: Answer, here: Standing): Promise<void> {
  here.stay();
  const share = await answered(asked, here);
  if (!share) return;
  if (!share.portrait) return end(share, here);
  const photo = await photoOf(share.portrait, found);
  if (!here.amend({ photo: photo?.source, photoState: photo?.isSigned === false ? "unsigned" : undefined })) return;
  if (!photo) return here.worsen({ code: "cannot_tell", look: "ask", next: "outcome.cannot_tell.photo" });
  here.count();
  await watch(share, here);
}

/** Return the share once it is answered; undefined where that will not be known, or the verdict is gone. */
async function answered(asked: Share, here: Standing): Promise<Share | undefined> {
  let share = asked;
  while (share.state === "awaiting" && share.id !== undefined) {
    if (!here.amend({ photoState: "wait" })) return undefined;
    await pause(LOOK_AGAIN_MILLISECONDS);
    const standing = here.amend({});
    if (!standing) return undefined;
    try {
      share = await readShare(share.id);
      if (standing.server && here.amend({ server: undefined })) here.stay();
    } catch (error) {
      const server = refusalOf(error);
      if (!here.amend({ server })) return undefined;
      if (!standing.server) here.count();
      if (isPassing(error) && !isPast(share.answer_until)) continue;
      here.amend({ photoState: undefined });
      return undefined;
    }
  }
  return share;
}

/** Take the photo away as soon as it may not be seen any more. */
async function watch(share: Share, here: Standing): Promise<void> {
  const until = share.readable_until === undefined ? Date.now() + PHOTO_MILLISECONDS : Date.parse(share.readable_until);
  for (let left = until - Date.now(); left > 0; left = until - Date.now()) {
    await pause(Math.min(left, PHOTO_LOOK_MILLISECONDS));
    if (!here.amend({})) return;
    if (share.id === undefined) continue;
    try {
      const now = await readShare(share.id);
      if (!now.portrait) return end({ ...now, state: "ended" }, here);
    } catch (error) {
      if (isPassing(error)) continue;
      here.amend({ server: refusalOf(error) });
      break;
    }
  }
  end({ state: "ended" }, here);
}

/** There is no photo, or none any more. Where the document counts no more, the verdict falls too. */
function end({ state, reason }: Share, here: Standing): void {
  if (!here.amend({ photo: undefined, photoState: reason ? undefined : (NO_PHOTO[state] ?? "ended") })) return;
  here.count();
  if (reason) here.worsen(here.outcomeFor(reason));
}

/** Whether nobody can answer any more. */
const isPast = (moment: string | undefined): boolean => moment !== undefined && Date.now() >= Date.parse(moment);

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
