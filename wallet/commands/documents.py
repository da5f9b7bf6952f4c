"""`wallet documents`: what was issued, as a whole."""

import json
from dataclasses import asdict

import click

from wallet.commands.console import fail, guarded, progress, say, step
from wallet.commands.opening import opened
from wallet.texts.catalogue import catalogue


@click.group()
def documents() -> None:
    """What was issued."""


@documents.command("check")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@guarded
def check(as_json: bool) -> None:
    """Verify again everything that was ever issued, in every form. Exit 1 at the first mismatch; for every night."""
    with opened() as wallet, progress("giấy tờ / documents") as told:
        tally = wallet.reverifying.run(told)
    if as_json:
        mismatch = None if tally.mismatch is None else tally.mismatch._asdict()
        click.echo(json.dumps(asdict(tally) | {"mismatch": mismatch}, ensure_ascii=False))
    if tally.mismatch is not None:
        what = " / ".join(_words(tally.mismatch.what, language) for language in ("vi", "en"))
        where = " ".join(filter(None, (tally.mismatch.document_id, tally.mismatch.copy_id)))
        fail(f"{where}: {what} ({tally.mismatch.what})", "wallet doctor")
    step(f"{tally.verified} giấy tờ đúng / documents hold")
    for form, count in tally.copies.items():
        step(f"{count} bản {form} đúng / copies hold")
    if tally.unsigned:
        say(f"  · {tally.unsigned} chưa ký / not signed yet")
    if tally.erased:
        say(f"  · {tally.erased} của người đã xóa tài khoản / of holders who are erased")


def _words(code: str, language: str) -> str:
    """Return what is wrong: in this look's own words, or in the verifier's."""
    texts = catalogue(language)
    return texts["reverifying"].get(code) or texts["verifier"][f"reason.{code}"]
