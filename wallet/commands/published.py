"""What `wallet doctor` says of what is published: room in the status lists, and copies that nobody takes."""

from wallet.commands.console import CLOCK
from wallet.commands.findings import OK, WARNING, WRONG, Finding, read
from wallet.documents.capacity import Capacity, CapacityWarning, capacity_of
from wallet.documents.publishing import dated_ahead
from wallet.documents.repository import PublicationRepository, StatusRepository
from wallet.documents.status import lists_address
from wallet.formats.trust_bundle import MAX_BUNDLE_CHARACTERS
from wallet.identity.repository import DatabaseSession
from wallet.settings import Settings


def status_lists(chosen: Settings) -> Finding:
    """Look at how much room the status lists have that are drawn from, and how long that lasts at the present rate.

    Of a demo that is looked at by another port than it serves at, none are: they are opened when the first is needed.
    """
    what = "danh sách trạng thái / status lists"

    def look(session: DatabaseSession) -> tuple[Capacity, int]:
        statuses, address = StatusRepository(session), lists_address(chosen.issuer_url)
        elsewhere = [uri for list_id, _, _, uri, over in statuses.lists() if not over and uri != f"{address}{list_id}"]
        return capacity_of(statuses.uses(address), CLOCK.now(), statuses.bundle_bytes()), len(elsewhere)

    looked = read(chosen, what, look)
    if isinstance(looked, Finding):
        return looked
    found, elsewhere = looked
    detail = f"còn / free {found.free:,} / {found.size:,}, {len(found.lists)} danh sách / lists"
    detail += f", gói tin cậy / bundle {found.bundle_bytes / 2**20:.1f} / {MAX_BUNDLE_CHARACTERS / 2**20:.0f} MiB"
    if found.per_day:
        until = "> 100 năm / years" if found.lasts_until is None else found.lasts_until.isoformat()
        detail += f", {found.per_day:,.0f} mỗi ngày / a day → {until}"
    if elsewhere:
        detail += f", {elsewhere} ở địa chỉ khác, vẫn phát hành / at another address, still published"
    if not found.lists:
        told = "chưa có / none yet" if not elsewhere else f"chưa có ở địa chỉ này / none yet at {chosen.issuer_url}"
        at_rest = elsewhere and not chosen.production
        return Finding(what, *((OK, told) if at_rest else (WARNING, told, "wallet run --prepare-only")))
    if not found.warnings:
        return Finding(what, OK, detail)
    state = WRONG if CapacityWarning.FULL in found.warnings else WARNING
    mend = "wallet run --prepare-only"
    if CapacityWarning.BUNDLE_TOO_LARGE_SOON in found.warnings:
        mend = (
            "wallet jobs run --once"  # what leaves lists out that are over; else larger lists, for they deflate better
        )
    if CapacityWarning.NEXT_LIST_TOO_YOUNG in found.warnings:
        mend = f"export WALLET_STATUS_LIST_BITS_LOG2_SIZE={min(23, chosen.status_list_bits_log2_size + 2)}"
    return Finding(what, state, f"{detail}: {', '.join(found.warnings)}", mend)


def publications(chosen: Settings) -> Finding:
    """Look for stored copies that are dated ahead: a clock ran ahead when they were made, or this one is behind."""
    what = "bản đã phát hành / what is published"
    found = read(chosen, what, lambda session: PublicationRepository(session).heads())
    if isinstance(found, Finding):
        return found
    now = CLOCK.now()
    ahead = sorted((head.issued_at - now, head.name) for head in found if dated_ahead(head.issued_at, now))
    if not ahead:
        return Finding(what, OK, f"{len(found):,}")
    told = ", ".join(f"{name} +{by.total_seconds():,.0f} s" for by, name in ahead)
    detail = "ghi giờ tương lai, không ai nhận; đồng hồ đúng thì lượt phát hành sau thay"
    detail += " / dated ahead, taken by nobody; the next round on a right clock replaces it"
    return Finding(what, WRONG, f"{detail}: {told}", "date -u")
