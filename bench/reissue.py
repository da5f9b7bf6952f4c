"""`python -m bench.reissue`: how fast documents are issued again after their key was revoked, and in how much memory.

Every document is as the wallet makes one: a holder with a data key of their own, claims sealed under it, a code by the
key in force, an entry of the audit record. The key is revoked as `wallet keys revoke` does it, and the servers' own job
goes through, round after round. Held against what nobody can do without, in turns with it: the former signature
verified, a new one made, and that verified. PostgreSQL is measured too where --postgres or WALLET_TEST_POSTGRES names a
server.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import insert

from bench.cases import code_of, opened
from bench.deployment import BATCH, Deployment, citizen_of, copy_of, make_template, on_postgres
from wallet.audit import AuditEvent
from wallet.crypto import key_files
from wallet.crypto.certificates import read_certificate
from wallet.crypto.keystore import Key, Role, Secret
from wallet.crypto.sealing import KEY_BYTES, seal
from wallet.crypto.signing import der_from_raw
from wallet.db import Base
from wallet.documents.intended import dated
from wallet.documents.models import DocumentRow
from wallet.documents.reissuing import BATCH as ROUND
from wallet.entropy import SystemEntropy
from wallet.formats.cwt_code import encode_document_code, parse_document_code
from wallet.identity.models import Holder
from wallet.keys.opening import making_of, services_of
from wallet.keys.rotating import KeyReason, Rotating
from wallet.wiring import Wallet

DOCUMENTS = 4_000
MILLION = 1_000_000
MEMORY_STEP = 4
"""By how many times more documents a second run is measured: its memory is to be the same."""
NOBODYS = 1 << 24
"""From here on a list gives out no entry: a code has that of the document it is like, a row needs one of its own."""
LOOKS_AGAIN = 1.2
"""Seconds after which a running process has noticed a new keyring."""


@dataclass(frozen=True, slots=True)
class Reissued:
    """One database. Microseconds of computing of one document, best round; what passed on the clock for all; bytes.

    ratio: `limit_us` divided by `document_us`, so 1.00 is as quick as three raw operations of P-256.
    """

    database: str
    documents: int
    document_us: float
    limit_us: float
    ratio: float
    a_second: float
    hours_for_a_million: float
    peak_bytes_few: int
    peak_bytes_many: int
    many_times_few: int


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.reissue", description=__doc__)
    parser.add_argument("--documents", type=int, default=DOCUMENTS, help="how many are issued again")
    parser.add_argument(
        "--postgres", default=os.environ.get("WALLET_TEST_POSTGRES", ""), metavar="URL", help="'': none"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="wallet-bench-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        template = make_template(directory / "template")
        found = [_measured(_own_keys(copy_of(template, directory / "sqlite"), directory), "SQLite", options.documents)]
        if options.postgres:
            with on_postgres(template, options.postgres) as deployment:
                found.append(_measured(_own_keys(deployment, directory), "PostgreSQL", options.documents))
    if options.json:
        print(json.dumps([asdict(each) for each in found], indent=1))
    else:
        print("\n".join(_lines(found, postgres=bool(options.postgres))))
    return 0


def _own_keys(deployment: Deployment, directory: Path) -> Deployment:
    """Return the deployment with keys that may be revoked: those of the template stay as they are."""
    own = tempfile.mkdtemp(prefix="keys-", dir=directory)
    former = deployment.settings.keys_dir
    shutil.copytree(former, own, dirs_exist_ok=True)
    passphrase = str(key_files.passphrase_file(former))
    return Deployment(deployment.environ | {"WALLET_KEYS_DIR": own, "WALLET_KEYS_PASSPHRASE_FILE": passphrase})


def _measured(deployment: Deployment, database: str, documents: int) -> Reissued:
    print(f"{database}: {documents:,} documents ...", file=sys.stderr, flush=True)
    with opened(deployment) as wallet:
        code = code_of(wallet)
        few = max(2 * ROUND, documents // MEMORY_STEP**2)
        peaks = [_peak(wallet, code, count) for count in (few, few * MEMORY_STEP)]
        _make(wallet, code, documents)
        key, limit = _revoked(wallet), _limit(wallet, code)
        best, least, passed, done, after = float("inf"), float("inf"), 0.0, 0, ""
        while True:
            started, computed = time.perf_counter(), time.thread_time()
            tally, last = wallet.reissue_job.documents(key, after)
            computed, passed = time.thread_time() - computed, passed + time.perf_counter() - started
            if last == after:
                break
            after, done = last, done + tally.reissued
            best = min(best, computed / max(1, tally.done))
            least = min(least, limit(max(1, tally.done)))
    return Reissued(
        database=database,
        documents=done,
        document_us=best * 1e6,
        limit_us=least * 1e6,
        ratio=least / best,
        a_second=done / passed,
        hours_for_a_million=MILLION * passed / done / 3600,
        peak_bytes_few=peaks[0],
        peak_bytes_many=peaks[1],
        many_times_few=MEMORY_STEP,
    )


def _peak(wallet: Wallet, code: str, documents: int) -> int:
    """Return what the job holds at most beyond what the process held before it, for so many documents."""
    _make(wallet, code, documents)
    key = _revoked(wallet)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    wallet.reissue_job.go(key)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak - before


def _limit(wallet: Wallet, code: str) -> Callable[[int], float]:
    """Return what measures the seconds of what no document is issued again without: verify, sign, verify."""
    signer = wallet.keystore.signer(Role.DOCUMENT)
    public_key = read_certificate(signer.certificate_der).public_key
    if public_key is None:
        raise RuntimeError("a signer's key is on P-256")
    message = parse_document_code(code).signed.payload
    raw = signer.sign(message)

    def measured(calls: int) -> float:
        started = time.thread_time()
        for _ in range(calls):
            public_key.verify(der_from_raw(raw), message, ec.ECDSA(hashes.SHA256()))
            public_key.verify(der_from_raw(signer.sign(message)), message, ec.ECDSA(hashes.SHA256()))
        return (time.thread_time() - started) / calls

    return measured


def _revoked(wallet: Wallet) -> Key:
    """Revoke the key that signs; return it as a running process sees it."""
    settings, entropy = wallet.settings, SystemEntropy()
    making = making_of(settings, entropy, services_of(settings, wallet.clock, entropy))
    kid = wallet.keystore.signer(Role.DOCUMENT).kid
    time.sleep(1)  # whole seconds count: everything made so far is of before
    Rotating(making, wallet.clock, timedelta(hours=72)).revoke(kid, KeyReason.COMPROMISED, wallet.clock.now())
    time.sleep(LOOKS_AGAIN)
    return next(key for key in wallet.reissue_job.revoked() if key.record.kid == kid)


def _make(wallet: Wallet, code: str, documents: int) -> None:
    """Make documents like the one that this code is of, each of a holder of its own."""
    actor, signer, now = citizen_of(wallet), wallet.keystore.signer(Role.DOCUMENT), wallet.clock.now()
    content, entropy = parse_document_code(code).content, SystemEntropy()
    document_id = f"doc_{content.document_id.hex()}"
    like = dated(content, now)
    with wallet.read() as work:
        told = asdict(work.holding.content(document_id, actor))
        row, first = work.document_rows.get(document_id), NOBODYS + work.document_rows.count()
        if row is None:
            raise RuntimeError("the bench's own document is gone")
        common = {
            name: getattr(row, name)
            for name in ("utility", "kind", "kind_version", "rules_version", "expires_at", "status_list", "renewal")
        }
    for begin in range(0, documents, BATCH):
        rows: dict[type[Base], list[dict[str, object]]] = {Holder: [], DocumentRow: [], AuditEvent: []}
        for number in range(begin, min(begin + BATCH, documents)):
            own = entropy.bytes(16)
            holder, document, key = f"hld_{own.hex()}", f"doc_{own.hex()}", entropy.bytes(KEY_BYTES)
            made = encode_document_code(replace(like, document_id=own), signer)
            plaintext = json.dumps(told | {"code": made}, ensure_ascii=False, separators=(",", ":")).encode()
            data_key = seal(wallet.keystore.secret(Secret.DATA_KEYS), key, holder, entropy)
            rows[Holder].append({"id": holder, "sealed_data_key": data_key, "created_at": now})
            rows[DocumentRow].append(
                common
                | {"id": document, "holder_id": holder, "request_id": f"req_{own.hex()}", "kid": signer.kid}
                | {"issued_at": now.replace(microsecond=0), "signed_at": now, "status_index": first + number}
                | {"sealed": seal(key, plaintext, document, entropy)}
            )
            event = {"at": now, "actor": holder, "subject": document, "request_id": "", "details": {}}
            rows[AuditEvent].append(event | {"action": "document.issued"})
        with wallet.db.write() as session:
            for table, values in rows.items():
                session.execute(insert(table), values)


def _lines(found: list[Reissued], *, postgres: bool) -> list[str]:
    lines = [
        f"{'':12}{'documents':>10}{'µs each':>10}{'limit µs':>10}{'ratio':>7}{'a second':>10}{'a million':>11}"
        f"{'peak':>10}{f'× {MEMORY_STEP} as many':>14}"
    ]
    for each in found:
        few, many = each.peak_bytes_few / 2**20, each.peak_bytes_many / 2**20
        lines.append(
            f"{each.database:12}{each.documents:10,}{each.document_us:10.0f}{each.limit_us:10.0f}{each.ratio:7.2f}"
            f"{each.a_second:10.0f}{each.hours_for_a_million:9.1f} h{few:7.1f} MiB{many:10.1f} MiB"
        )
    lines += [
        "",
        "limit: the former signature verified, a new one made, that verified; ratio: 1.00 is as quick as that",
    ]
    if not postgres:
        lines.append("PostgreSQL was NOT measured: set WALLET_TEST_POSTGRES or give --postgres URL")
    return lines


if __name__ == "__main__":
    sys.exit(main())
