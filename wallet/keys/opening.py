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
from wallet.keys.hardware import HardwareModule
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
        pin = _secret(settings.pkcs11_pin_file, "WALLET_PKCS11_PIN_FILE", least=4)
        found[HARDWARE] = HardwareModule(settings.pkcs11_module, settings.pkcs11_token, pin.decode(), budget)
    if settings.remote_signer_url:
        secret = _secret(settings.remote_signer_secret_file, "WALLET_REMOTE_SIGNER_SECRET_FILE", least=32)
        found[REMOTE] = SigningServer(settings.remote_signer_url, secret, clock, entropy, budget)
    return found


def _secret(file: str, setting: str, least: int) -> bytes:
    """Return what a file that is its owner's alone holds. Raises ConfigurationError."""
    path = Path(file)
    if not file or not path.is_file():
        raise ConfigurationError(f"{setting}: {file or 'empty'} is no file", mend="wallet config show")
    if key_files.readable_by_others(path):
        raise ConfigurationError(f"{path} is readable by others (chmod 600 {path})", mend=f"chmod 600 {path}")
    content = path.read_bytes().strip()
    if len(content) < least:
        raise ConfigurationError(f"{path} is shorter than {least} bytes", mend=f"export {setting}=...")
    return content


def open_keystore(settings: Settings, clock: Clock, services: Mapping[str, SigningService] | None = None) -> Keystore:
    """Return the keys of a deployment. services: who keeps those that are no files; None to look and sign nothing.

    Raises ConfigurationError.
    """
    path = key_files.passphrase_file(settings.keys_dir, settings.keys_passphrase_file)
    looked_for = None if settings.production and not settings.keys_passphrase_file else path
    opening = Opening(passphrase_of(settings), services, settings.production, looked_for)
    return Keystore.open(settings.keys_dir, opening, clock=clock)


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


def making_of(
    settings: Settings, entropy: Entropy, services: Mapping[str, SigningService], backend: str = FILES
) -> Making:
    """Return how this deployment makes keys. Raises ConfigurationError."""
    name = settings.issuer_code if settings.production else f"{settings.issuer_code} sample"
    return Making(
        directory=settings.keys_dir,
        entropy=entropy,
        authority=Authority(name, settings.issuer_url),
        passphrase=passphrase_for_new(settings, entropy) if backend == FILES else passphrase_of(settings),
        sample=not settings.production,
        services=services,
        backend=backend,
    )
