"""What a deployment decides, as one frozen value. Read once; every problem is reported at once.

Each setting is the environment variable `WALLET_` + its name in capitals. `wallet config show` prints them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, validate, validates_schema

from wallet.errors import ConfigurationError

PREFIX = "WALLET_"
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
TESTING = ("WALLET_TEST_", "WALLET_REQUIRE_")
"""What the test suite is told, which is no setting of a deployment."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. Secrets are not here: they are files below `keys_dir` (see `wallet.crypto.keystore`)."""

    mode: str
    database_url: str
    sources_url: str
    sources_http_file: str
    keys_dir: Path
    keys_passphrase_file: str
    key_publication_seconds: int
    signing_milliseconds: int
    pkcs11_module: str
    pkcs11_token: str
    pkcs11_pin_file: str
    remote_signer_url: str
    remote_signer_secret_file: str
    issuer_url: str
    issuer_code: str
    issuer_name_vi: str
    issuer_name_en: str
    issuer_address: str
    host: str
    port: int
    workers: int
    blocking_threads: int
    argon2_time_cost: int
    argon2_memory_kib: int
    access_token_seconds: int
    session_seconds: int
    challenge_seconds: int
    leeway_seconds: int
    card_hours: int
    status_list_bits_log2_size: int
    status_shards: int
    publish_seconds: int
    published_dir: Path
    max_body_bytes: int
    idempotency_hours: int
    correction_receipt_days: int
    correction_decision_days: int
    activation_days: int
    approval_days: int
    four_eyes: str
    registration_seconds: int
    register_overlap_seconds: int
    payment_minutes: int
    face_threshold: float
    finger_threshold: float
    holiday_overrides_file: str
    death_closing_days: int
    spraying_tries: int
    staff_reads_per_hour: int
    trusted_proxies: str
    passkey_origins: str
    cooling_off_hours: int
    embedded_chips: bool
    embedded_payments: bool
    payments_url: str
    payments_secret_file: str
    sms_outbox_dir: Path
    sms_gateway_url: str
    sms_gateway_secret_file: str
    webhooks_to_localhost: bool
    jobs: str
    log_level: str

    @property
    def production(self) -> bool:
        """Whether demo conveniences (personas, their known keys) are refused."""
        return self.mode == "production"

    @property
    def access_life(self) -> timedelta:
        return timedelta(seconds=self.access_token_seconds)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Return the settings that `environ` gives, defaults elsewhere.

        Raises ConfigurationError with one sentence per wrong or unknown variable.
        """
        given = {
            name[len(PREFIX) :].lower(): value
            for name, value in environ.items()
            if name.startswith(PREFIX) and not name.startswith(TESTING)
        }
        unknown = sorted(set(given) - set(_SCHEMA.fields))
        problems = [f"{PREFIX}{name.upper()}: no such setting" for name in unknown]
        try:
            settings: Settings = _SCHEMA.load(given)
        except ValidationError as error:
            problems += [
                f"{PREFIX}{name.upper()}: {' '.join(texts)}" for name, texts in error.normalized_messages().items()
            ]
            raise ConfigurationError(*problems, mend="wallet config show") from error
        if problems:
            raise ConfigurationError(*problems, mend="wallet config show")
        return settings


def _seconds(low: int, high: int, default: int) -> fields.Integer:
    return fields.Integer(load_default=default, validate=validate.Range(low, high))


def comma_list(text: str) -> tuple[str, ...]:
    """Return the values of a setting that are parted by commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _networks(text: str) -> None:
    try:
        for part in comma_list(text):
            ip_network(part)
    except ValueError as error:
        raise ValidationError(f"{error}.") from error


def _codes(text: str) -> None:
    for part in comma_list(text):
        if not _CODE.fullmatch(part):
            raise ValidationError(f"{part} is no code of a utility.")


def _origin_in(text: str) -> str:
    """Return scheme, host and port of a web address, "" where it is none (RFC 6454, section 4)."""
    try:
        parts = urlsplit(text)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return ""
    return f"{parts.scheme}://{host}{port}" if parts.scheme in ("http", "https") and host else ""


def _origins(text: str) -> None:
    for part in comma_list(text):
        if _origin_in(part) != part:
            raise ValidationError(f"{part} is no origin such as https://vi.example.vn.")


def _service(text: str) -> None:
    """Raise ValidationError for more than an origin; what is no address at all is told by the field.

    Below a path the well-known addresses would not be where readers look: what they are made of goes between the host
    and that path (RFC 8615, section 3; SD-JWT VC, JWT VC issuer metadata), where this service answers nothing.
    """
    origin = _origin_in(text)
    if origin and text.removesuffix("/").lower() != origin:
        raise ValidationError(
            "chỉ gồm giao thức, tên máy và cổng, không đường dẫn, truy vấn hay phần nào khác"
            " / scheme, host and port alone, without a path, a query or anything else"
            f" → export WALLET_ISSUER_URL={origin}"
        )


class SettingsSchema(Schema):
    """The table of settings: type, bounds, default. `metadata` is what `wallet config show` says of each."""

    class Meta:
        unknown = EXCLUDE

    mode = fields.String(load_default="demo", validate=validate.OneOf(["demo", "production"]))
    database_url = fields.String(load_default="sqlite:///var/wallet.db", metadata={"secret": True})
    sources_url = fields.String(load_default="", metadata={"secret": True})
    sources_http_file = fields.String(load_default="")
    keys_dir = fields.String(load_default="keys")
    keys_passphrase_file = fields.String(load_default="")
    key_publication_seconds = _seconds(1, 90 * 86400, 3 * 86400)
    signing_milliseconds = fields.Integer(load_default=500, validate=validate.Range(50, 5000))
    pkcs11_module = fields.String(load_default="")
    pkcs11_token = fields.String(load_default="wallet")
    pkcs11_pin_file = fields.String(load_default="")
    remote_signer_url = fields.Url(load_default="", require_tld=False, schemes={"http", "https"})
    remote_signer_secret_file = fields.String(load_default="")
    issuer_url = fields.Url(load_default="", require_tld=False, schemes={"http", "https"}, validate=_service)
    issuer_code = fields.String(load_default="VN-MAU", validate=validate.Regexp(r"^[A-Z0-9-]{2,16}$"))
    issuer_name_vi = fields.String(load_default="Ví Số (cơ quan cấp mẫu)")
    issuer_name_en = fields.String(load_default="Ví Số (sample issuer)")
    issuer_address = fields.String(load_default="Phố Mẫu, Hà Nội", validate=validate.Length(1, 200))
    host = fields.String(load_default="127.0.0.1")
    port = fields.Integer(load_default=8000, validate=validate.Range(1, 65535))
    workers = fields.Integer(load_default=1, validate=validate.Range(1, 64))
    blocking_threads = fields.Integer(load_default=2, validate=validate.Range(1, 64))
    argon2_time_cost = fields.Integer(load_default=2, validate=validate.Range(1, 10))
    argon2_memory_kib = fields.Integer(load_default=19456, validate=validate.Range(8, 1 << 20))
    access_token_seconds = _seconds(30, 900, 600)
    session_seconds = _seconds(600, 90 * 86400, 30 * 86400)
    challenge_seconds = _seconds(10, 120, 120)
    leeway_seconds = _seconds(0, 30, 5)
    card_hours = fields.Integer(load_default=24, validate=validate.Range(1, 168))
    status_list_bits_log2_size = fields.Integer(load_default=20, validate=validate.Range(8, 23))
    status_shards = fields.Integer(load_default=4, validate=validate.Range(1, 64))
    publish_seconds = _seconds(1, 30, 2)
    published_dir = fields.String(load_default="var/published")
    max_body_bytes = fields.Integer(load_default=65536, validate=validate.Range(1024, 1 << 20))
    idempotency_hours = fields.Integer(load_default=24, validate=validate.Range(1, 168))
    correction_receipt_days = fields.Integer(load_default=2, validate=validate.Range(1, 30))
    correction_decision_days = fields.Integer(load_default=10, validate=validate.Range(1, 90))
    spraying_tries = fields.Integer(load_default=500, validate=validate.Range(20, 1_000_000))
    staff_reads_per_hour = fields.Integer(load_default=200, validate=validate.Range(1, 100_000))
    trusted_proxies = fields.String(load_default="", validate=_networks)
    passkey_origins = fields.String(load_default="", validate=_origins)
    activation_days = fields.Integer(load_default=7, validate=validate.Range(1, 365))
    approval_days = fields.Integer(load_default=7, validate=validate.Range(1, 90))
    four_eyes = fields.String(load_default="", validate=_codes)
    registration_seconds = _seconds(0, 86400, 0)
    register_overlap_seconds = _seconds(0, 3600, 300)
    payment_minutes = fields.Integer(load_default=30, validate=validate.Range(1, 1440))
    face_threshold = fields.Float(load_default=0.29, validate=validate.Range(-1, 1))
    finger_threshold = fields.Float(load_default=0.29, validate=validate.Range(-1, 1))
    holiday_overrides_file = fields.String(load_default="")
    death_closing_days = fields.Integer(load_default=90, validate=validate.Range(0, 3650))
    cooling_off_hours = fields.Integer(load_default=24, validate=validate.Range(1, 720))
    embedded_chips = fields.Boolean(load_default=None)
    embedded_payments = fields.Boolean(load_default=None)
    payments_url = fields.Url(load_default="", require_tld=False, schemes={"http", "https"})
    payments_secret_file = fields.String(load_default="")
    sms_outbox_dir = fields.String(load_default="var/outbox")
    sms_gateway_url = fields.Url(load_default="", require_tld=False, schemes={"http", "https"})
    sms_gateway_secret_file = fields.String(load_default="")
    webhooks_to_localhost = fields.Boolean(load_default=False)
    jobs = fields.String(load_default="inside", validate=validate.OneOf(["inside", "outside"]))
    log_level = fields.String(load_default="info", validate=validate.OneOf(["debug", "info", "warning", "error"]))

    @validates_schema
    def check_localhost(self, data: dict[str, Any], **_: Any) -> None:
        """A webhook that reaches this machine is a convenience of a demo."""
        if data["webhooks_to_localhost"] and data["mode"] == "production":
            raise ValidationError({"webhooks_to_localhost": ["for WALLET_MODE=demo alone"]})

    @validates_schema
    def check_remote_signer(self, data: dict[str, Any], **_: Any) -> None:
        """Digests of documents travel to a signing server, and its answers back, where nobody reads along."""
        if data["mode"] == "production" and data["remote_signer_url"].startswith("http:"):
            raise ValidationError({"remote_signer_url": ["https, outside WALLET_MODE=demo"]})

    @validates_schema
    def check_payments(self, data: dict[str, Any], **_: Any) -> None:
        """Who pays is never in doubt."""
        if data["payments_url"] and data["embedded_payments"]:
            raise ValidationError({"embedded_payments": ["not beside WALLET_PAYMENTS_URL"]})

    @post_load
    def freeze(self, data: dict[str, Any], **_: Any) -> Settings:
        """Fill what depends on other settings and freeze."""
        data["keys_dir"] = Path(data["keys_dir"])
        # A simulated chip proves nothing and a played payment pays nothing: in production only on request.
        for played in ("embedded_chips", "embedded_payments"):
            if data[played] is None:
                data[played] = data["mode"] == "demo" and not (played == "embedded_payments" and data["payments_url"])
        data["published_dir"] = Path(data["published_dir"])
        data["sms_outbox_dir"] = Path(data["sms_outbox_dir"])
        data["issuer_url"] = (data["issuer_url"] or f"http://{data['host']}:{data['port']}").rstrip("/")
        if not data["sources_url"]:
            sqlite = data["database_url"].startswith("sqlite")
            data["sources_url"] = "sqlite:///var/nation.db" if sqlite else data["database_url"]
        return Settings(**data)


_SCHEMA = SettingsSchema()
