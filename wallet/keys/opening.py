"""How the keys of a deployment are opened: what its settings say of passphrase and signing services."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from wallet.clock import Clock
from wallet.crypto import key_files
from wallet.crypto.authority import Authority
from wallet.crypto.keyring import FILES
from wallet.crypto.keystore import Keystore, Opening
from wallet.crypto.making import Making
from wallet.crypto.signing import SigningService
from wallet.entropy import Entropy
from wallet.errors import ConfigurationError
from wallet.keys.hardware import HardwareModule, read_pin
from wallet.keys.remote import SigningServer
from wallet.settings import Settings

HARDWARE = "pkcs11"
REMOTE = "remote"
BACKENDS = (FILES, HARDWARE, REMOTE)
HOW_TO_MAKE_ONE = "(umask 077; openssl rand -hex 32 > FILE); export WALLET_KEYS_PASSPHRASE_FILE=FILE"


def services_of(settings: Settings, clock: Clock, entropy: Entropy) -> dict[str, SigningService]:
    """Return who keeps keys that are no files, by backend, as far as the settings name any. Connects to nobody yet.

    Raises ConfigurationError.
    """
    found: dict[str, SigningService] = {}
    budget = timedelta(milliseconds=settings.signing_milliseconds)
    if settings.pkcs11_module:
        pin_file = Path(settings.pkcs11_pin_file)
        read_pin(pin_file)
        found[HARDWARE] = HardwareModule(settings.pkcs11_module, settings.pkcs11_token, pin_file, budget)
    if settings.remote_signer_url:
        secret_file = Path(settings.remote_signer_secret_file)
        secret = key_files.read_secret(secret_file, "WALLET_REMOTE_SIGNER_SECRET_FILE", least=32)
        found[REMOTE] = SigningServer(settings.remote_signer_url, secret, clock, entropy, budget)
    return found


def open_keystore(settings: Settings, clock: Clock, services: Mapping[str, SigningService] | None = None) -> Keystore:
    """Return the keys of a deployment. services: who keeps those that are no files; None to look and sign nothing.

    Raises ConfigurationError.
    """
    path = key_files.passphrase_file(settings.keys_dir, settings.keys_passphrase_file)
    looked_for = None if settings.production and not settings.keys_passphrase_file else path
    opening = Opening(passphrase_of(settings), services, settings.production, looked_for)
    return Keystore.open(settings.keys_dir, opening, clock=clock)


def unused_second(directory: Path) -> Path | None:
    """Return the folder of second keys of an older version, None where no file lies in one.

    They are keys like all others now (decision 0025): no command reads that folder, so nobody would notice that a
    second signature is missing.
    """
    folder = directory / "second"
    return folder if folder.is_dir() and any(folder.iterdir()) else None


def passphrase_of(settings: Settings) -> bytes | None:
    """Return the passphrase of the key files, None where there is none. In production it has to be named."""
    if settings.production and not settings.keys_passphrase_file:
        return None
    path = key_files.passphrase_file(settings.keys_dir, settings.keys_passphrase_file)
    passphrase = key_files.read_passphrase(path, outside=settings.keys_dir)
    if passphrase is None and settings.keys_passphrase_file:
        raise ConfigurationError(f"{path} is not there", mend=HOW_TO_MAKE_ONE)
    return passphrase


def passphrase_for_new(settings: Settings, entropy: Entropy) -> bytes:
    """Return the passphrase for keys that are made now; a newcomer's demo gets one beside the directory of its keys.

    Raises ConfigurationError where production names none.
    """
    passphrase = passphrase_of(settings)
    if passphrase is not None:
        return passphrase
    if settings.production:
        raise ConfigurationError("WALLET_KEYS_PASSPHRASE_FILE: production encrypts its keys", mend=HOW_TO_MAKE_ONE)
    path = key_files.passphrase_file(settings.keys_dir)
    if any(key_files.is_encrypted(key) for key in settings.keys_dir.glob("*.key.pem")):
        raise ConfigurationError(f"{path} is gone, and keys lie under it", mend="wallet doctor")
    passphrase = entropy.bytes(32).hex().encode()
    key_files.write(path, passphrase)
    return passphrase


def making_to_revoke(settings: Settings, clock: Clock, entropy: Entropy, backend: str) -> Making:
    """Return how this deployment makes keys; where it cannot, one that makes none and says why.

    A revocation waits for neither a passphrase nor a signing service: it is written, and what follows is made later.
    """
    try:
        return making_of(settings, entropy, services_of(settings, clock, entropy), backend)
    except ConfigurationError as error:
        return Making(settings.keys_dir, entropy, _authority(settings), refused=error)


def making_of(
    settings: Settings, entropy: Entropy, services: Mapping[str, SigningService], backend: str = FILES
) -> Making:
    """Return how this deployment makes keys. Raises ConfigurationError."""
    return Making(
        directory=settings.keys_dir,
        entropy=entropy,
        authority=_authority(settings),
        passphrase=passphrase_for_new(settings, entropy) if backend == FILES else passphrase_of(settings),
        sample=not settings.production,
        services=services,
        backend=backend,
    )


def _authority(settings: Settings) -> Authority:
    name = settings.issuer_code if settings.production else f"{settings.issuer_code} sample"
    return Authority(name, settings.issuer_url)
