"""`python -m bench.status`: what status costs at national scale, 100 million documents, held against one list.

Everything is real but the documents: lists, their counters and every status that was set stand in a database, a process
fills its board from it, publishes, and an offline verifier takes the bundle. One percent is revoked, at random places.
Times are of computing: what the disk and the rest of the machine add is not in them.
"""

import argparse
import json
import random
import sys
import tempfile
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import delete, insert, update

from bench.deployment import Deployment, copy_of, make_template
from wallet.documents.models import StatusChange, StatusListRow, StatusSequence
from wallet.terms import Status
from wallet.verifier import TrustedBundle
from wallet.wiring import Wallet

ENTRIES = 100_000_000
BASE_LOG2 = 20
LARGE_LOG2 = 23
REVOKED_SHARE = 0.01
DRAWS = 300
ROUNDS = 5
BATCH = 50_000
LEVELS = (1, 6, 9)


@dataclass(frozen=True, slots=True)
class Scale:
    """What one size costs. Seconds of computing (no disk) and bytes; refresh: a look that finds nothing new."""

    entries: int
    lists: int
    log2_size: int
    draw_seconds: float
    board_bytes: int
    board_fill_seconds: float
    board_refresh_seconds: float
    publish_all_seconds: float
    publish_nothing_seconds: float
    publish_one_change_seconds: float
    list_token_bytes: int
    bundle_bytes: int
    verifier_take_seconds: float
    verifier_bytes: int


@dataclass(frozen=True, slots=True)
class Deflating:
    """One list at one level of zlib."""

    log2_size: int
    level: int
    seconds: float
    size: int


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.status", description=__doc__)
    parser.add_argument("--entries", type=int, default=ENTRIES, help="documents that are simulated")
    parser.add_argument("--base-log2", type=int, default=BASE_LOG2, help="entries of one list, as a power of two")
    parser.add_argument("--large-log2", type=int, default=LARGE_LOG2, help="the same, of large lists")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    base, large = options.base_log2, options.large_log2
    with tempfile.TemporaryDirectory(prefix="wallet-bench-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        template = make_template(directory / "template")
        scales = []
        for entries, log2_size in ((1 << base, base), (options.entries, base), (options.entries, large)):
            print(f"{entries:,} entries in lists of 2^{log2_size} ...", file=sys.stderr, flush=True)
            scales.append(_scale(copy_of(template, directory / str(len(scales))), entries, log2_size))
    deflating = [each for log2_size in (base, large) for each in _deflating(log2_size)]
    if options.json:
        found = {"scales": [asdict(each) for each in scales], "deflating": [asdict(each) for each in deflating]}
        print(json.dumps(found, indent=1))
    else:
        print(_table(scales, deflating))
    return 0


def _scale(deployment: Deployment, entries: int, log2_size: int) -> Scale:
    environ = deployment.environ | {"WALLET_STATUS_LIST_BITS_LOG2_SIZE": str(log2_size)}
    wallet = Wallet.build(Deployment(environ).settings)
    lists = -(-entries // (1 << log2_size))
    _fill(wallet, lists, log2_size, entries)
    started = time.thread_time()
    wallet.board.refresh(force=True)
    board_fill = time.thread_time() - started
    board_bytes = sum(len(held.entries) for held in wallet.board.lists.values())
    publish_all = _seconds(wallet.trust.publish)
    publish_nothing = min(_seconds(wallet.trust.publish) for _ in range(ROUNDS))
    changes = []
    for number in range(ROUNDS):
        with wallet.work() as work:
            work.document_rows.set_status(lists, number, Status.INVALID, wallet.clock.now())
        time.sleep(1)  # two copies never share a second
        changes.append(_seconds(wallet.trust.publish))
    bundle = wallet.trust.bundle().token
    pins, now = [wallet.trust.pin], wallet.clock.now()

    def take() -> TrustedBundle:
        return TrustedBundle.from_jws(bundle.decode(), pins, now)

    taking = min(_seconds(take) for _ in range(ROUNDS))
    tracemalloc.start()
    kept = take()
    verifier_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    found = Scale(
        entries=entries,
        lists=lists,
        log2_size=log2_size,
        draw_seconds=min(_drawing(wallet) for _ in range(ROUNDS)),
        board_bytes=board_bytes,
        board_fill_seconds=board_fill,
        board_refresh_seconds=min(_seconds(lambda: wallet.board.refresh(force=True)) for _ in range(ROUNDS * 4)),
        publish_all_seconds=publish_all,
        publish_nothing_seconds=publish_nothing,
        publish_one_change_seconds=min(changes),
        list_token_bytes=len(wallet.trust.status_list(lists).token),
        bundle_bytes=len(bundle),
        verifier_take_seconds=taking,
        verifier_bytes=verifier_bytes,
    )
    wallet.close()
    return found


def _fill(wallet: Wallet, lists: int, log2_size: int, entries: int) -> None:
    """Write the lists, all but the last one full, and a status for one percent of the entries."""
    now, size = datetime.now(UTC), 1 << log2_size
    with wallet.db.write() as session:
        session.execute(delete(StatusChange))
        session.execute(update(StatusListRow).values(bits_log2_size=log2_size))
        for list_id in range(2, lists + 1):
            row = {"id": list_id, "bits_log2_size": log2_size, "shard": 0, "uri": wallet.trust.address(list_id)}
            session.execute(insert(StatusListRow).values(**row, used=0, full=False, created_at=now))
            session.execute(insert(StatusSequence).values(status_list=list_id, changes=0))
    for list_id in range(1, lists + 1):
        used = size if list_id < lists else min(size // 4, entries - size * (lists - 1))
        revoked = _revoked(size, int(size * REVOKED_SHARE), seed=list_id)
        rows = [
            {"status_list": list_id, "sequence": number, "status_index": index, "value": int(Status.INVALID), "at": now}
            for number, index in enumerate(revoked, 1)
        ]
        with wallet.db.write() as session:
            for begin in range(0, len(rows), BATCH):
                session.execute(insert(StatusChange), rows[begin : begin + BATCH])
            here = StatusListRow.id == list_id
            session.execute(update(StatusListRow).where(here).values(used=used, full=used == size))
            session.execute(
                update(StatusSequence).where(StatusSequence.status_list == list_id).values(changes=len(rows))
            )


def _revoked(size: int, count: int, seed: int) -> list[int]:
    return random.Random(seed).sample(range(size), count)


def _drawing(wallet: Wallet) -> float:
    """Return the seconds of one draw, in a transaction that is rolled back: the disk is not the subject."""

    class Undone(Exception):
        pass

    seconds = 0.0
    try:
        with wallet.work() as work:
            work.indices.reserve()
            started = time.thread_time()
            for _ in range(DRAWS):
                work.indices.reserve()
            seconds = (time.thread_time() - started) / DRAWS
            raise Undone
    except Undone:
        return seconds


def _deflating(log2_size: int) -> Iterator[Deflating]:
    """Yield what each level costs for one list, one percent revoked."""
    size = 1 << log2_size
    entries = bytearray(size // 4)
    for index in _revoked(size, int(size * REVOKED_SHARE), seed=0):
        entries[index // 4] |= 1 << index % 4 * 2
    for level in LEVELS:
        seconds = min(_seconds(lambda level=level: zlib.compress(entries, level)) for _ in range(3))
        yield Deflating(log2_size, level, seconds, len(zlib.compress(entries, level)))


def _seconds(call: Callable[[], object]) -> float:
    started = time.thread_time()
    call()
    return time.thread_time() - started


def _table(scales: list[Scale], deflating: list[Deflating]) -> str:
    base = scales[0]
    head = "".join(f"{f'{each.entries:,} in {each.lists} × 2^{each.log2_size}':>30}" for each in scales)
    lines = [f"{'':32}{head}"]
    for name in Scale.__slots__[3:]:
        unit, factor = ("ms", 1000) if name.endswith("_seconds") else ("kB", 1 / 1000)
        label = name.removesuffix("_seconds").removesuffix("_bytes").replace("_", " ")
        cells = ""
        for each in scales:
            value, held = getattr(each, name), getattr(base, name)
            cells += f"{value * factor:14,.3f} {unit} {f'× {value / held:,.1f}':>12}"
        lines.append(f"{label:32}{cells}")
    lines.append("")
    for one in deflating:
        nine = next(each for each in deflating if (each.log2_size, each.level) == (one.log2_size, 9))
        lines.append(
            f"deflate 2^{one.log2_size}, level {one.level}: {one.seconds * 1000:9.1f} ms, {one.size / 1000:9.1f} kB; "
            f"against level 9: time × {one.seconds / nine.seconds:.2f}, size × {one.size / nine.size:.2f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
