/** A hand-held reader that types: fast keystrokes that end in Enter, wherever the focus is. */

const GAP_MILLISECONDS = 60;
/** As long as it may be a code of ours, a busy device may make it stutter. */
const GAP_INSIDE_MILLISECONDS = 600;
const OURS = /^V(?:$|[DLG](?:$|1(?:$|:)))/;
const SHORTEST = 8;
/** What only a document's or a phone's code begins with. */
const CODE = /^V[DL]1:/;

/** Call `take` with what a reader typed. What it types reaches neither buttons nor fields. Returns how to stop.
 *
 * isSpoilt: an input method of this computer changed it. Telex makes Backspace and "Â" of the second letter of "AA".
 */
export function listenToWedge(take: (text: string, isSpoilt: boolean) => void): () => void {
  let typed = "";
  let isSpoilt = false;
  let last = -Infinity;

  const onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const gap = typed && OURS.test(typed) ? GAP_INSIDE_MILLISECONDS : GAP_MILLISECONDS;
    const since = event.timeStamp - last;
    const isNext = typed !== "" && since < gap;
    if (event.key === "Enter" && isNext && typed.length >= SHORTEST) {
      stop(event);
      const text = typed;
      typed = "";
      takeBack(event.target, text);
      take(text, isSpoilt);
      return;
    }
    const isCode = isNext && CODE.test(typed);
    if (event.key === "Backspace" && isCode && since < GAP_MILLISECONDS) {
      typed = typed.slice(0, -1); // nobody corrects themselves that fast
      isSpoilt = true;
      last = event.timeStamp;
      return;
    }
    if (event.key.length !== 1) {
      if (event.key !== "Shift") typed = "";
      return;
    }
    typed = isNext ? typed + event.key : event.key;
    isSpoilt = isNext && (isSpoilt || (isCode && event.key > "~"));
    last = event.timeStamp;
    // A space or a letter of a code must not press the button that has the focus; into a field it may go.
    if (typed.length > 2 && !isField(event.target)) stop(event);
  };

  document.addEventListener("keydown", onKey, true);
  return () => document.removeEventListener("keydown", onKey, true);
}

function stop(event: Event): void {
  event.preventDefault();
  event.stopPropagation();
}

function isField(target: EventTarget | null): target is HTMLInputElement | HTMLTextAreaElement {
  return target instanceof HTMLTextAreaElement || (target instanceof HTMLInputElement && target.type !== "checkbox");
}

/** Remove from a field what the reader typed into it. */
function takeBack(target: EventTarget | null, text: string): void {
  if (!isField(target) || !target.value.endsWith(text)) return;
  target.value = target.value.slice(0, -text.length);
  target.dispatchEvent(new Event("input", { bubbles: true }));
}
