"""`wallet keys`: make what is missing, list what is there, let the next key follow, revoke one."""

import json
import shlex
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import click

from wallet.audit import Audit
from wallet.commands.console import CLOCK, fail, guarded, progress, say, settings, step
from wallet.crypto.keyring import FILES, KeyRecord, State, read_keyring, states_at
from wallet.crypto.keystore import OPTIONAL, Role, certificate_path, exclusive, key_path
from wallet.crypto.making import BACKDATED, Making, create_missing, encrypt_plain
from wallet.db import Database
from wallet.entropy import SystemEntropy
from wallet.errors import WalletError
from wallet.formats.trust_bundle import pin_of
from wallet.keys.ceremony import REVOKED, ROTATED, STOPPED, Journal, faults, perform, read_ceremony
from wallet.keys.opening import BACKENDS, making_of, making_to_revoke, open_keystore, services_of, unused_second
from wallet.keys.rotating import PINNED, KeyReason, Rotating, ahead
from wallet.settings import Settings
from wallet.terms import Actor
from wallet.working_days import ZONE

DEMO_PAST = timedelta(days=500)
ENTROPY = SystemEntropy()
MOMENT = click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d"])
DAYS = "A day alone begins at 00:00 in Vietnam (+07:00)."


@click.group()
def keys() -> None:
    """The keys of this deployment."""


@keys.command()
@click.option("--backend", type=click.Choice(BACKENDS), default=FILES, show_default=True, help="Who keeps new keys.")
@guarded
def new(backend: str) -> None:
    """Create the keys and secrets that are missing, and encrypt key files that lie open; what exists stays."""
    made = _make(settings(), backend)
    say("Đã đủ khóa / All keys are there" if not made else f"{len(made)} tệp mới / new files")


@keys.command()
@guarded
def second() -> None:
    """Make the keys of the second, post-quantum signature (ML-DSA-65) on bundle and status lists. Optional.

    From then on they are keys like all others: listed, rotated and revoked by the same commands.
    """
    _make(settings(), also=OPTIONAL)
    say("Trao dấu vân tay cho bên đòi hai chữ ký / hand the pin to who demands two\n  → wallet keys pin --second")


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@guarded
def list_keys(as_json: bool) -> None:
    """List the keys with their role, state and times."""
    _tell_left(settings())
    keystore = open_keystore(settings(), CLOCK)
    records = [key.record for role in Role for key in keystore.keys(role)]
    if as_json:
        click.echo(json.dumps([asdict(record) for record in records], indent=1))
        return
    for record in records:
        click.echo(f"{record.role:13} {record.kid}  {record.state:10} {record.backend:8} {_times(record)}")


@keys.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--second", is_flag=True, help="Of the keys that sign the bundle a second time (ML-DSA-65).")
@guarded
def pin(as_json: bool, second: bool) -> None:
    """Print the pins of the bundle's roots: give them to verifiers by another way than the bundle.

    The first is that of the root that signs; after it comes the next one's, once it is made.
    """
    _tell_left(settings())
    roots = [
        (pin_of(key.signer.certificate_der), key.record)
        for key in open_keystore(settings(), CLOCK).keys(Role.SECOND_BUNDLE if second else Role.BUNDLE_ROOT)
        if key.record.state in (State.ACTIVE, State.PUBLISHED, State.PLANNED)
    ]
    roots.sort(key=lambda found: found[1].active_from if found[1].state != State.ACTIVE else 0)
    if as_json:
        told = [{"pin": pin, "kid": r.kid, "state": r.state, "active_from": r.active_from} for pin, r in roots]
        click.echo(json.dumps(told, indent=1))
        return
    for value, record in roots:
        click.echo(value)
        if record.state != State.ACTIVE:
            say(f"  ↑ gốc kế tiếp, từ / the next root, from {_day(record.active_from)}")


@keys.command()
@click.argument("roles", nargs=-1, type=click.Choice([*map(str, Role)]))
@click.option("--due", type=click.IntRange(1, 400), help="Every role whose next key is in time for so many days more.")
@click.option("--at", type=MOMENT, help=f"When it takes over; by default as soon as verifiers know it. {DAYS}")
@click.option("--backend", type=click.Choice(BACKENDS), default=FILES, show_default=True, help="Who keeps the new key.")
@guarded
def rotate(roles: tuple[str, ...], due: int | None, at: datetime | None, backend: str) -> None:
    """Make the keys that follow those of ROLES: published now, active later, by themselves."""
    chosen = settings()
    made: list[KeyRecord] = []
    with _changing(
        chosen, lambda: making_of(chosen, ENTROPY, services_of(chosen, CLOCK, ENTROPY), backend)
    ) as rotating:
        wanted = [Role(role) for role in roles] or _due(chosen, due, rotating.publication)
        if not wanted:
            told = "Chưa khóa nào sắp hết hạn / no key ends soon" if due else "Vai trò nào? / which role?"
            if due is None:
                fail(told, f"wallet keys rotate {Role.DOCUMENT}")
            say(told)
        try:
            for role in wanted:
                made.append(rotating.rotate(role, None if at is None else _aware(at)))
                step(f"{role} {made[-1].kid}: {_times(made[-1])}")
        finally:
            _record(chosen, ROTATED, [(r.kid, _told_of(r)) for r in made])
    _tell_pins(wanted)


@keys.command()
@click.argument("kid")
@click.option("--reason", required=True, type=click.Choice([*map(str, KeyReason)]))
@click.option("--since", type=MOMENT, help=f"Since when others may have signed with it; by default, nobody did. {DAYS}")
@guarded
def revoke(kid: str, reason: str, since: datetime | None) -> None:
    """Revoke the key KID: whatever it signed is invalid with the next bundle; where it signed, another does at once."""
    chosen = settings()
    backend = next((r.backend for r in read_keyring(chosen.keys_dir) if r.kid == kid), FILES)
    with _changing(chosen, lambda: making_to_revoke(chosen, CLOCK, ENTROPY, backend)) as rotating:
        done = rotating.revoke(kid, KeyReason(reason), None if since is None else _aware(since))
        revoked = done.record
        step(f"{revoked.role} {revoked.kid}: {revoked.state}, từ / since {_day(revoked.compromised_at)}")
        for record in done.made:
            step(f"{record.role} {record.kid}: {_times(record)}")
        for role, why in done.lacking:
            say(f"! {role}: {why}")
        _record(chosen, REVOKED, [(revoked.kid, _told_of(revoked))])
    if done.kept is not None:
        told = f"Đã thu hồi, nhưng tệp khóa còn đó / revoked, and its file is still there: {done.kept.strerror}"
        fail(told, f"rm {key_path(chosen.keys_dir, revoked)}")
    if done.lacking:
        fail("Đã thu hồi, nhưng chưa có khóa thay / revoked, and not replaced yet", "wallet keys new")
    _tell_pins([Role(revoked.role)])


@keys.command()
@guarded
def reissue() -> None:
    """Issue again what revoked keys signed before they got out, and revoke the copies that rest on them.

    A running server does the same by itself.
    """
    from wallet.commands.opening import opened

    _tell_left(settings())
    with opened() as wallet:
        for key in wallet.reissue_job.revoked():
            with progress(f"Cấp lại / issuing again {key.record.kid}") as on_progress:
                done = wallet.reissue_job.go(key, lambda count, told=on_progress: told(count, 0))  # type: ignore[misc]
            copies = f"{done.copies} bản thu hồi / copies revoked"
            told = f"{done.reissued} cấp lại / again, {done.revoked} thu hồi / revoked, {done.left} ?, {copies}"
            step(f"{key.record.kid}: {told}")
    say("Xong / done")


@keys.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Hold the file against the keyring, print its SHA-256, change nothing.")
@click.option("--reviewed", help="The SHA-256 of the file as both persons reviewed it: without it nothing is done.")
@guarded
def ceremony(file: Path, dry_run: bool, reviewed: str | None) -> None:
    """Change keys as one reviewed FILE says (JSON or TOML), and print the transcript whose hash goes on record.

    Its members: title; persons, who leads and who witnesses; steps, each {"do": "rotate", "role", "at", "backend"} or
    {"do": "revoke", "kid", "reason", "since"}. Without "since" nobody else had the key; "compromised" asks for it.
    """
    chosen = settings()
    content = file.read_bytes()
    asked = read_ceremony(content, toml=file.suffix == ".toml")
    services = services_of(chosen, CLOCK, ENTROPY)
    publication = timedelta(seconds=chosen.key_publication_seconds)
    with exclusive(chosen.keys_dir):
        found = faults(asked, read_keyring(chosen.keys_dir), CLOCK.now(), publication, frozenset({FILES, *services}))
        if found:
            fail("\n  ".join(found), f"wallet keys ceremony {file} --dry-run")
        if dry_run:
            for number, each in enumerate(asked.steps, 1):
                click.echo(f"{number}. {each}")
            click.echo(f"sha256 {asked.digest}")
            return
        if reviewed != asked.digest:
            fail(
                "Tệp không phải bản đã duyệt / not the file that was reviewed", f"wallet keys ceremony {file} --dry-run"
            )

        def rotating_with(backend: str) -> Rotating:
            return Rotating(making_of(chosen, ENTROPY, services, backend), CLOCK, publication)

        _tell_left(chosen)
        journal = Journal.begin(chosen.keys_dir, asked.digest, CLOCK.now())
        perform(asked, rotating_with, lambda r: certificate_path(chosen.keys_dir, r).read_bytes(), journal)
        click.echo(journal.text, nl=False)
        say(f"sha256 {journal.digest}")
        whole = journal.is_whole
        _record_journal(chosen, journal)
        _record_left(chosen)
    if not whole:
        fail("Nghi thức dừng giữa chừng / the ceremony stopped half-way", "wallet keys list")


def make_missing(chosen: Settings, backend: str = FILES, also: Collection[Role] = ()) -> list[str]:
    """Create what this deployment lacks, and a key in the place of one that ended.

    A demo's keys have a past, for it has documents that expired. also: optional roles that it is to have from now on.
    """
    chosen.keys_dir.mkdir(parents=True, exist_ok=True)
    making = making_of(chosen, ENTROPY, services_of(chosen, CLOCK, ENTROPY), backend)
    made = create_missing(
        chosen.keys_dir,
        now=CLOCK.now(),
        entropy=making.entropy,
        authority=making.authority,
        backdated=BACKDATED if chosen.production else DEMO_PAST,
        renew=True,
        making=making,
        also=also,
    )
    return [*made, *(encrypt_plain(chosen.keys_dir, making.passphrase) if making.passphrase else [])]


def told_of_unused(chosen: Settings) -> tuple[str, str] | None:
    """Return what to say of second keys that an older version made, and the next command; None where there are none."""
    folder = unused_second(chosen.keys_dir)
    if folder is None:
        return None
    text = f"{folder}/ là của phiên bản cũ, không còn được dùng / is of an older version and not used any more"
    return text, f"wallet keys second && rm -r {shlex.quote(str(folder))}"


def _make(chosen: Settings, backend: str = FILES, also: Collection[Role] = ()) -> list[str]:
    """Make what is missing, say it, and put on record what a killed ceremony left."""
    with exclusive(chosen.keys_dir):
        _tell_left(chosen)
        made = make_missing(chosen, backend, also)
        for name in made:
            step(name)
        _record_left(chosen)  # last: no key waits for a database
    return made


def _record_journal(chosen: Settings, journal: Journal) -> None:
    """Put a ceremony on record: its keys, and the hash of its transcript."""
    for action, record in journal.changed:
        _record(chosen, action, [(record.kid, _told_of(record))])
    _record(chosen, "key.ceremony", [(journal.digest, {"whole": journal.is_whole, "transcript": journal.path.stem})])
    journal.close()


def _tell_pins(changed: Sequence[Role]) -> None:
    """Say which pins verifiers have to be handed by hand now."""
    for role in PINNED:
        if role in changed:
            command = "wallet keys pin --second" if role is Role.SECOND_BUNDLE else "wallet keys pin"
            say(f"Trao dấu vân tay mới cho bên kiểm tra / hand the new pin to verifiers\n  → {command}")


def _tell_left(chosen: Settings) -> None:
    """Say which ceremonies are not on record: they stopped half-way, or are going on."""
    for journal in Journal.left(chosen.keys_dir):
        say(f"! Nghi thức dở dang / a ceremony that is not on record: {journal.path}")


def _record_left(chosen: Settings) -> None:
    """Put on record what a ceremony that was killed, or that had no database, left. Whoever calls holds the keys."""
    for journal in Journal.left(chosen.keys_dir):
        if not journal.is_over:
            journal.line(STOPPED)
        _record_journal(chosen, journal)


def _record(chosen: Settings, action: str, changed: Sequence[tuple[str, Mapping[str, str | int]]]) -> None:
    """Put what was done to keys on record. It is done also while the database is away: then say so, and fail.

    changed: what each entry is about, a kid or the hash of a transcript, and its details.
    """
    if not changed:
        return
    database = Database(chosen.database_url)  # and no keys: what was done may be that there are none
    try:
        with database.write() as session:
            audit = Audit(session, CLOCK)
            for subject, details in changed:
                audit.record(action, Actor("system"), subject, survives=False, **details)
    except WalletError as error:
        fail(f"Đã làm, nhưng chưa ghi được vào nhật ký / done, and not on record ({error.code})", "wallet doctor")
    finally:
        database.close()


def _told_of(record: KeyRecord) -> Mapping[str, str | int]:
    """Return what the record says of a key that was made or revoked."""
    told: dict[str, str | int] = {"role": record.role, "backend": record.backend}
    if record.state == State.REVOKED:
        return told | {"reason": record.reason, "since": record.compromised_at}
    return told | {"active_from": record.active_from}


@contextmanager
def _changing(chosen: Settings, making: Callable[[], Making]) -> Iterator[Rotating]:
    """Hold the keyring and hand out what changes it."""
    if not read_keyring(chosen.keys_dir):
        fail(f"{chosen.keys_dir}/ chưa có khóa nào / has no keys", "wallet keys new")
    with exclusive(chosen.keys_dir):
        _tell_left(chosen)
        yield Rotating(making(), CLOCK, timedelta(seconds=chosen.key_publication_seconds))
        _record_left(chosen)  # last: a revocation waits for no database


def _due(chosen: Settings, days: int | None, publication: timedelta) -> list[Role]:
    """Return the roles that have no successor and for which one could be too late in so many days.

    Verifiers have to know it before it signs, for a root that is known by its pin a month. So it is not counted from
    the end of the present key: the daily timer would come when that month can no longer be had.
    """
    if days is None:
        return []
    now = int(CLOCK.now().timestamp())
    records = read_keyring(chosen.keys_dir)
    states = states_at(records, now)
    ending = {role: now + (timedelta(days=days) + ahead(role, publication)).total_seconds() for role in Role}
    coming = {r.role for r in records if states[r.kid] in (State.PLANNED, State.PUBLISHED)}
    due = {r.role for r in records if states[r.kid] is State.ACTIVE and r.not_after <= ending[Role(r.role)]} - coming
    return [role for role in Role if role in due]


def _aware(moment: datetime) -> datetime:
    """Return a moment as it was given; a day alone begins in Vietnam, as everywhere else."""
    return moment if moment.tzinfo else moment.replace(tzinfo=ZONE)


def _times(record: KeyRecord) -> str:
    ahead = record.active_from and record.active_from > CLOCK.now().timestamp()
    begin = f"từ / from {_day(record.active_from)} " if ahead else ""
    return f"{begin}→ {_day(record.not_after)}"


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, ZONE).isoformat(timespec="minutes")
