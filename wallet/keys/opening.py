"""How the keys of a deployment are opened: what its settings say of passphrase and signing services."""

from collections.abc import Mapping

from wallet.clock import Clock
from wallet.crypto import key_files
from wallet.crypto.authority import Authority
from wallet.crypto.keyring import FILES
from wallet.crypto.keystore import Keystore, Opening
from wallet.crypto.making import Making
from wallet.crypto.signing import SigningService
from wallet.entropy import Entropy
from wallet.errors import ConfigurationError
from wallet.settings import Settings

HOW_TO_MAKE_ONE = "(umask 077; openssl rand -hex 32 > FILE); export WALLET_KEYS_PASSPHRASE_FILE=FILE"


def open_keystore(settings: Settings, clock: Clock, services: Mapping[str, SigningService] | None = None) -> Keystore:
    """Return the keys of a deployment. services: who keeps those that are no files; None to look and sign nothing.

    Raises ConfigurationError.
    """
    return Keystore.open(
        settings.keys_dir, Opening(passphrase_of(settings), services, settings.production), clock=clock
    )


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
