"""What `wallet doctor` looks at of the keys of a deployment."""

from datetime import UTC, datetime, timedelta

from wallet.commands.console import CLOCK
from wallet.commands.findings import OK, WARNING, WRONG, Finding
from wallet.commands.keys import told_of_unused
from wallet.crypto.authority import address_in
from wallet.crypto.certificates import read_certificate
from wallet.crypto.keyring import State, read_keyring, states_at
from wallet.crypto.keystore import REQUIRED, Role, certificate_path
from wallet.errors import ConfigurationError, Unavailable, WalletError
from wallet.keys.hardware import PinState, pin_state
from wallet.keys.opening import open_keystore
from wallet.keys.rotating import ahead, lasting
from wallet.settings import Settings
from wallet.terms import LONGEST_VALIDITY
from wallet.working_days import vietnamese_day

SOON = timedelta(days=30)
"""How long before the last moment at which the next key can still be in time it is asked for."""
PINS = {
    PinState.FINE: (OK, "không có PIN sai nào sau lần đúng cuối / no wrong PIN since the last right one"),
    PinState.WRONG_BEFORE: (
        WARNING,
        "PIN sai lần cuối; tiến trình gặp lỗi đó không thử lại cho tới khi tệp PIN đổi / the PIN was wrong the last"
        " time; a process that met that tries no more until its file changes",
    ),
    PinState.LAST_TRY: (WRONG, "chỉ còn một lần thử PIN / one try of the PIN is left"),
    PinState.LOCKED: (WRONG, "PIN đã bị khóa, quản trị thiết bị phải mở / locked: the module's officer unlocks it"),
}


def keys(chosen: Settings) -> Finding:
    """Look whether everything that signs is there and can be opened."""
    try:
        open_keystore(chosen, CLOCK)
    except ConfigurationError as error:
        return Finding("khóa / keys", WRONG, "; ".join(error.problems), error.mend)
    if unused := told_of_unused(chosen):
        return Finding("khóa / keys", WARNING, *unused)
    return Finding("khóa / keys", OK, f"{len(REQUIRED)} vai trò / roles → {chosen.keys_dir}/")


def key_life(chosen: Settings) -> Finding:
    """Look until when each role has a key that signs."""
    what = "hạn của khóa / key life"
    try:
        records = read_keyring(chosen.keys_dir)
    except ConfigurationError as error:
        return Finding(what, WRONG, str(error), error.mend)
    ends = lasting(records, CLOCK.now())
    lacking = [role for role, end in ends.items() if end is None]
    if lacking:
        return Finding(what, WRONG, f"không còn khóa ký / no key signs: {', '.join(lacking)}", "wallet keys new")
    known = {role: end for role, end in ends.items() if end is not None}
    states = states_at(records, int(CLOCK.now().timestamp()))
    coming = [r for r in records if states[r.kid] in (State.PLANNED, State.PUBLISHED) and Role(r.role) in known]
    late = [Role(r.role) for r in coming if r.active_from > known[Role(r.role)].timestamp()]
    if late:
        told = ", ".join(f"{role} → {known[role].date().isoformat()}" for role in late)
        detail = f"khóa kế tiếp bắt đầu sau khi khóa này hết hạn / the next key begins after this one has ended: {told}"
        return Finding(what, WRONG, detail, "wallet keys list")
    publication = timedelta(seconds=chosen.key_publication_seconds)
    last, role = min((end - ahead(role, publication), role) for role, end in known.items())
    until, state = known[role], WARNING if last - CLOCK.now() < SOON else OK
    return Finding(
        what, state, f"{role} → {until.date().isoformat()}", "" if state == OK else f"wallet keys rotate {role}"
    )


def longest_documents(chosen: Settings) -> Finding:
    """Look for how many days a document may be valid that is signed now: it has to end before its key's certificate.

    Keys that an older version made have less left than a utility may ask for; the next ones have not.
    """
    what = "hạn dài nhất của giấy tờ / longest validity of documents"
    try:
        records = read_keyring(chosen.keys_dir)
        states = states_at(records, int(CLOCK.now().timestamp()))
        documents = [record for record in records if record.role == Role.DOCUMENT]
        signing = [record for record in documents if states[record.kid] is State.ACTIVE]
        if not signing:
            return Finding(what, WRONG, f"không còn khóa ký / no key signs: {Role.DOCUMENT}", "wallet keys new")
        certificate = read_certificate(certificate_path(chosen.keys_dir, signing[-1]).read_bytes())
    except (ConfigurationError, WalletError, OSError) as error:
        return Finding(what, WRONG, str(error), "wallet keys list")
    # The last day of a document is a whole one.
    days = (vietnamese_day(certificate.not_after) - vietnamese_day(CLOCK.now())).days - 1
    if days >= LONGEST_VALIDITY.days:
        return Finding(what, OK, f"{LONGEST_VALIDITY.days} ngày / days")
    detail = f"{signing[-1].kid}: {days} ngày, hạn dài hơn bị từ chối / days, whatever is valid for longer is refused"
    coming = [record for record in documents if states[record.kid] in (State.PLANNED, State.PUBLISHED)]
    if coming:
        until = datetime.fromtimestamp(coming[0].active_from, UTC).date().isoformat()
        return Finding(what, WARNING, f"{detail} → {until}", "wallet keys list")
    return Finding(what, WARNING, detail, f"wallet keys rotate {Role.DOCUMENT}")


def addresses(chosen: Settings) -> Finding:
    """Look whether the certificates of signers name the address where the service is, which readers hold against `iss`.

    The address of a demo changes with its port, and nobody else reads what it issues.
    """
    what = "địa chỉ trong chứng thư / address in certificates"
    if not chosen.production and chosen.issuer_url == f"http://{chosen.host}:{chosen.port}":
        return Finding(what, OK, "theo cổng của bản demo / of a demo: that of its port")
    try:
        records = read_keyring(chosen.keys_dir)
        states = states_at(records, int(CLOCK.now().timestamp()))
        named = {r.kid: address_in(certificate_path(chosen.keys_dir, r).read_bytes()) for r in records}
    except (ConfigurationError, OSError) as error:
        return Finding(what, WRONG, str(error), "wallet keys list")
    other = [r for r in records if states[r.kid] is State.ACTIVE and named[r.kid] not in (None, chosen.issuer_url)]
    if not other:
        return Finding(what, OK, chosen.issuer_url)
    told = ", ".join(f"{record.role} {record.kid}: {named[record.kid]}" for record in other)
    coming = {r.role: r for r in records if states[r.kid] in (State.PLANNED, State.PUBLISHED)}
    left = [record.role for record in other if record.role not in coming]
    for role in sorted({record.role for record in other} & coming.keys()):
        begin = datetime.fromtimestamp(coming[role].active_from, UTC).date().isoformat()
        told += f"; {begin} → {named[coming[role].kid]}"
    mend = f"wallet keys rotate {' '.join(left)}" if left else "wallet keys list"
    detail = f"không phải / not {chosen.issuer_url}, bên đọc theo HAIP từ chối / readers that go by HAIP refuse"
    return Finding(what, WARNING, f"{detail}: {told}", mend)


def hardware(chosen: Settings) -> Finding:
    """Look at the token of the hardware module without a login: a wrong PIN counts, also one that doctor gives."""
    what = "thiết bị giữ khóa / hardware module"
    if not chosen.pkcs11_module:
        return Finding(what, OK, "không dùng / not used")
    try:
        state, detail = PINS[pin_state(chosen.pkcs11_module, chosen.pkcs11_token)]
    except Unavailable:
        told = f"không thấy / is not there: {chosen.pkcs11_token} ({chosen.pkcs11_module})"
        return Finding(what, WRONG, told, "wallet config show")
    mend = "" if state == OK else f"(umask 077; cat > {chosen.pkcs11_pin_file})"
    return Finding(what, state, f"{chosen.pkcs11_token}: {detail}", mend)
