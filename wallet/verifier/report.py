"""A judgement as people read it: the verdict first, large, in both languages; nothing else looks like it."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from wallet.crypto.jws import compact_json
from wallet.formats.compact_values import readable_value
from wallet.terms import SAMPLE_MARK
from wallet.texts.catalogue import catalogue
from wallet.verifier.judgement import Judgement, VerifiedClaim, VerifiedDocument
from wallet.verifier.reasons import Verdict
from wallet.verifier.replay import Sighting

_VIETNAM = timezone(timedelta(hours=7))


def report(judgement: Judgement, lang: str) -> str:
    """Return the answer as text; `lang`: vi or en, for everything below the first line."""
    return "\n".join((headline(_verdict(judgement)), details(judgement, lang)))


def details(judgement: Judgement, lang: str) -> str:
    """Return what stands below the verdict."""
    return "\n".join(_lines(judgement, catalogue(lang)["verifier"], lang))


def headline(key: str, sign: str = "", **values: str) -> str:
    """Return a text of both languages, filled with values, as the one line that nothing else looks like."""
    bar = "=" * 12
    vietnamese, english = (catalogue(language)["verifier"][key].format(**values) for language in ("vi", "en"))
    return f"{bar}  {sign}{' ' * bool(sign)}{vietnamese}  |  {english}  {bar}"


def printable(text: str) -> str:
    """Return text that cannot steer a terminal: no control, no change of direction, no invisible character."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _lines(judgement: Judgement, texts: Mapping[str, str], lang: str) -> Iterator[str]:
    yield SAMPLE_MARK
    yield ""
    for code in judgement.reasons:
        yield f"  - {texts['reason.' + code]} [{code}]"
    if judgement.first_seen is not None:
        seen_at, gate_id = judgement.first_seen
        where = f", {texts['label.at_gate']} {printable(gate_id)}" if gate_id else ""
        yield f"    {texts['label.first_seen']} {_seconds(seen_at)}{where}"
    if judgement.document is not None:
        yield ""
        yield from _document(judgement.document, texts, lang)
        if judgement.device is not None or 7 not in judgement.checked:
            yield f"  {texts['label.holder.' + (judgement.device or 'none')]}"
    yield ""
    yield f"  {texts['label.checked_at']}: {_time(judgement.checked_at)}"
    yield f"  {texts['label.bundle_age']}: {age(judgement.bundle_age_seconds, texts)}"
    if judgement.status_age_seconds is not None:
        yield f"  {texts['label.status_age']}: {age(judgement.status_age_seconds, texts)}"


def _verdict(judgement: Judgement) -> str:
    if judgement.verdict is Verdict.VALID and not judgement.accepted:
        return "verdict.not_accepted"
    return f"verdict.{judgement.verdict.value}"


def _document(document: VerifiedDocument, texts: Mapping[str, str], lang: str) -> Iterator[str]:
    title = document.utility if document.title is None else document.title.get(lang, document.utility)
    for claim in document.claims:
        yield f"  {printable(_label(claim, texts, lang))}: {printable(_value(claim, texts))}"
    named = "" if document.document_id is None else f" ({document.document_id})"
    yield f"  {texts['label.document']}: {printable(title)}{named}"
    yield f"  {texts['label.issuer']}: {printable(document.issuer_name.get(lang, ''))} ({printable(document.issuer)})"
    yield f"  {texts['label.issued_at']}: {_time(document.issued_at)}"
    yield f"  {texts['label.expires_at']}: {_time(document.expires_at)}"
    if document.recipient is not None:
        yield f"  {texts['label.recipient']}: {printable(document.recipient)}"


def _label(claim: VerifiedClaim, texts: Mapping[str, str], lang: str) -> str:
    if claim.label is not None and lang in claim.label:
        return claim.label[lang]
    return claim.name if claim.n is None and claim.name is not None else texts["label.unnamed"].format(n=claim.n)


def _value(claim: VerifiedClaim, texts: Mapping[str, str]) -> str:
    kind, value = readable_value(claim.kind, claim.value)
    if kind == "time":
        return _seconds(value)
    if isinstance(value, bool):
        return texts["label.yes" if value else "label.no"]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return str(value) if isinstance(value, (str, int)) else compact_json(value).decode()


def scanned(sighting: Sighting) -> tuple[str, dict[str, str]]:
    """Return the words for a code that was seen before, as a key of the texts and its values: when, and at which gate.

    A time of the day, for it was within the life of a code; the whole moment stands below.
    """
    values = {"moment": f"{datetime.fromtimestamp(sighting.seen_at, _VIETNAM):%H:%M}", "place": sighting.gate_id}
    return "outcome.already_scanned_where" if sighting.gate_id else "outcome.already_scanned_at", values


def _seconds(value: Any) -> str:
    try:
        return _time(datetime.fromtimestamp(value, UTC))
    except (OverflowError, ValueError, OSError):
        return str(value)


def _time(moment: datetime) -> str:
    """Return a moment as clocks in Vietnam show it."""
    try:
        return moment.astimezone(_VIETNAM).strftime("%Y-%m-%d %H:%M:%S +07:00")
    except OverflowError:
        return moment.isoformat()


def age(seconds: int, texts: Mapping[str, str]) -> str:
    """Return how long something has been, in words. texts: the section `verifier` of a language."""
    sign = "-" if seconds < 0 else ""
    minutes = abs(seconds) // 60
    return sign + texts["label.age"].format(days=minutes // 1440, hours=minutes // 60 % 24, minutes=minutes % 60)
