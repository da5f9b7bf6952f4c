"""Who calls: flask-jwt-extended carries the token, `wallet.identity.tokens` alone judges it.

The extension's own encoder and decoder are replaced: its defaults take tokens of another kind, issuer or
audience and answer 422 or 500 where 401 and 503 belong (docs/security.md, section 1). Its hooks stay in
use, so that a bare `@jwt_required()` is as strict as `@requires`: the blocklist hook looks the session up,
the verification hook asks for the DPoP proof.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import wraps
from typing import Any, cast

from flask import Flask, Response, current_app, g, request
from flask_jwt_extended import JWTManager, create_access_token, create_refresh_token, verify_jwt_in_request
from flask_jwt_extended.exceptions import JWTExtendedException, NoAuthorizationError
from jwt.exceptions import PyJWTError
from werkzeug.exceptions import RequestHeaderFieldsTooLarge

from wallet.errors import LevelTooLow, NotAllowed, NotAuthenticated, StepUpRequired
from wallet.identity.proof_of_possession import verify_proof
from wallet.identity.sessions import DPOP, LiveSession, SignedIn
from wallet.identity.tokens import TokenKind, from_seconds
from wallet.terms import AccountLevel, Actor, AuthLevel, StaffRole
from wallet.web.context import current_wallet, request_id
from wallet.web.problems import render

BEARER = "Bearer"
DPOP_SCHEME = "DPoP"
ACTING_FOR = "Acting-For"
APP_VERSION = "App-Version"
"""What the caller's app says it is, such as `2.10.1`; a pilot may ask for a least one."""

MAX_APP_VERSION = 32
MAX_HEADER_CHARACTERS = 8192
FRESH = timedelta(minutes=5)
"""How recent an authentication has to be for what cannot be taken back (S-13): pass it as `max_age`."""

View = Callable[..., Any]
Roles = StaffRole | frozenset[StaffRole] | None
"""One role, or several of which one is enough; None for no role at all."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call an operation. max_age: how long ago the session's level may have been reached.

    cooling_off: refused for a while after a new binding (S-12). for_wards: a guardian may call it for a ward.
    device: from the phone alone, for a browser that came in by passkey has none.
    """

    account_level: AccountLevel
    auth_level: AuthLevel
    role: Roles
    max_age: timedelta | None
    cooling_off: bool = False
    for_wards: bool = False
    device: bool = False


class WalletJWTManager(JWTManager):
    """The extension, with our codec in place of its own."""

    def _encode_jwt_from_config(
        self, identity: Any, token_type: str, claims: dict[str, Any] | None = None, *_: Any, **__: Any
    ) -> str:
        kind = TokenKind.ACCESS if token_type == TokenKind.ACCESS.type else TokenKind.REFRESH
        return current_wallet().identity.tokens.encode(kind, {**(claims or {}), "sub": identity})

    def _decode_jwt_from_config(self, encoded_token: str, *_: Any, **__: Any) -> dict[str, Any]:
        # Always an access token: a refresh token never travels in a header. Never an expired one.
        wallet = current_wallet()
        leeway = timedelta(seconds=wallet.settings.leeway_seconds)
        return wallet.identity.tokens.decode(TokenKind.ACCESS, encoded_token, wallet.clock.now(), leeway)

    def _set_error_handler_callbacks(self, app: Flask) -> None:
        app.register_error_handler(NoAuthorizationError, lambda _: render(NotAuthenticated("missing_token")))
        app.register_error_handler(JWTExtendedException, lambda _: render(NotAuthenticated("invalid_token")))
        app.register_error_handler(PyJWTError, lambda _: render(NotAuthenticated("invalid_token")))


def install(app: Flask) -> None:
    """Make `app` take access tokens: from the Authorization header, and from nowhere else."""
    app.config.update(
        JWT_TOKEN_LOCATION=["headers"],
        JWT_HEADER_TYPE=BEARER,
        JWT_ALGORITHM="ES256",
        JWT_DECODE_ALGORITHMS=["ES256"],
    )
    manager = WalletJWTManager()
    manager.init_app(app)
    manager.token_in_blocklist_loader(_is_revoked)
    manager.token_verification_loader(_is_sender_proven)
    app.before_request(_refuse_large_headers)


def requires(
    *,
    account_level: AccountLevel = AccountLevel.ONE,
    auth_level: AuthLevel = AuthLevel.ONE,
    role: Roles = None,
    max_age: timedelta | None = None,
    cooling_off: bool = False,
    for_wards: bool = False,
    device: bool = False,
) -> Callable[[View], View]:
    """Declare who may call a view; the declaration stands on the view as `access`.

    Raises NotAuthenticated, NotAllowed("not_allowed" or "device_needed"), LevelTooLow("level_too_low"),
    StepUpRequired("step_up_required"), Unavailable("dependency_unavailable").
    """
    access = Access(account_level, auth_level, role, max_age, cooling_off, for_wards, device)

    def declare(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            authenticate()
            with _telling_ways():
                _authorise(access)
                _act_for_ward(access)
                return current_app.ensure_sync(view)(*args, **kwargs)

        guarded.access = access  # type: ignore[attr-defined]
        return guarded

    return declare


def roles_of(role: StaffRole | frozenset[StaffRole]) -> frozenset[StaffRole]:
    """Return the roles of which one is enough."""
    return frozenset({role}) if isinstance(role, StaffRole) else role


def authenticate() -> Actor:
    """Return who calls, from now on also `current_actor()`. Raises NotAuthenticated, Unavailable."""
    if "actor" in g:
        return cast(Actor, g.actor)
    g.scheme, token = _credentials()
    # The extension knows one scheme per application; RFC 9449, section 7.1, has two.
    request.environ["HTTP_AUTHORIZATION"] = f"{BEARER} {token}"
    try:
        verified = verify_jwt_in_request()
    except (JWTExtendedException, PyJWTError) as error:
        raise NotAuthenticated("invalid_token") from error
    if verified is None:  # the extension waves OPTIONS through
        raise NotAuthenticated("missing_token")
    live, claims = current_session(), verified[1]
    g.actor = Actor(
        account_id=live.account_id,
        holder_id=live.holder_id,
        session_id=live.id,
        device_id=live.device_id,
        account_level=live.account_level,
        # A token made before a step-up stays what it was; one made after says no more than the session.
        auth_level=AuthLevel(min(live.auth_level, claims["auth_level"])),
        roles=live.roles,
        request_id=request_id(),
        app_version=request.headers.get(APP_VERSION, "")[:MAX_APP_VERSION] or None,
    )
    g.authenticated_at = from_seconds(claims["auth_time"])
    return cast(Actor, g.actor)


def current_actor() -> Actor:
    """Return who calls. Only behind `requires`: elsewhere it is a defect, and RuntimeError says so."""
    if "actor" not in g:
        raise RuntimeError("this view is not declared with @requires")
    return cast(Actor, g.actor)


def current_session() -> LiveSession:
    """Return the session of this request, as it was looked up when the token was checked."""
    return cast(LiveSession, g.live_session)


def tokens_of(signed_in: SignedIn) -> tuple[str, str]:
    """Return access token and refresh token."""
    account_id = signed_in.session.account_id
    return (
        create_access_token(account_id, additional_claims=signed_in.access_claims()),
        create_refresh_token(account_id, additional_claims=signed_in.refresh_claims()),
    )


def request_url() -> str:
    """Return the address of this request as it is known outside, without its query."""
    return current_wallet().settings.issuer_url + request.path


def dpop_header() -> str:
    """Return the proof that came with this request. Raises NotAuthenticated("invalid_dpop_proof") without one."""
    proof = request.headers.get(DPOP_SCHEME, "")
    if not proof:
        raise NotAuthenticated("invalid_dpop_proof")
    return proof


def _credentials() -> tuple[str, str]:
    """Return scheme and token of the Authorization header (RFC 9110, section 11.6.2)."""
    header = request.headers.get("Authorization", "")
    if not header:
        raise NotAuthenticated("missing_token")
    parts = header.split(" ")
    scheme = next((known for known in (BEARER, DPOP_SCHEME) if known.lower() == parts[0].lower()), None)
    # A token has no comma: with two headers in one, or two tokens in a header, neither is taken.
    if scheme is None or len(parts) != 2 or not parts[1] or "," in parts[1]:
        raise NotAuthenticated("invalid_token")
    return scheme, parts[1]


def _is_revoked(_header: dict[str, Any], claims: dict[str, Any]) -> bool:
    """Look the session up. Raises Unavailable when it cannot be looked up: 503, never 200 (S-24)."""
    with current_wallet().read() as work:
        live = work.sessions.check(claims["sid"])
    g.live_session = live
    return live.account_id != claims["sub"] or live.rests_on != claims["dev"]


def _is_sender_proven(_header: dict[str, Any], claims: dict[str, Any]) -> bool:
    """Ask for a DPoP proof where the token or its session demands one (RFC 9449, section 7.1)."""
    live, scheme = current_session(), g.get("scheme", BEARER)
    binding = claims.get("cnf")
    if binding is None and live.token_binding != DPOP:
        return bool(scheme == BEARER)
    if binding != {"jkt": live.jkt} or scheme != DPOP_SCHEME:
        return False
    wallet = current_wallet()
    token = request.environ["HTTP_AUTHORIZATION"].removeprefix(f"{BEARER} ")
    proof = verify_proof(
        dpop_header(), method=request.method, url=request_url(), now=wallet.clock.now(), access_token=token
    )
    if proof.jkt != live.jkt:
        raise NotAuthenticated("invalid_dpop_proof")
    with wallet.work() as work:
        work.sessions.use_proof(proof)
    return True


def _authorise(access: Access) -> None:
    actor = current_actor()
    if access.role is not None and not roles_of(access.role) & actor.roles:
        raise NotAllowed("not_allowed")
    if actor.account_level < access.account_level:
        raise LevelTooLow("level_too_low", needed=int(access.account_level))
    if access.device and actor.device_id is None:  # no step up makes a device of a browser
        raise NotAllowed("device_needed")
    level = int(access.auth_level)
    if access.max_age is not None:
        stale = current_wallet().clock.now() - g.authenticated_at > access.max_age
        if stale or actor.auth_level < level:
            raise StepUpRequired("step_up_required", auth_level=level, max_age=int(access.max_age.total_seconds()))
    elif actor.auth_level < level:
        raise StepUpRequired("step_up_required", auth_level=level)
    if access.cooling_off:
        assert_cooled_off()


def assert_cooled_off() -> None:
    """Return unless a new binding is too fresh (S-12): for a view of whose answers only one is held back by that.

    Raises NotAllowed("cooling_off").
    """
    until = current_session().cooling_off_until
    if until is not None and current_wallet().clock.now() < until:
        raise NotAllowed("cooling_off", until=until.strftime("%Y-%m-%dT%H:%M:%SZ"))


def assert_fresh(auth_level: AuthLevel) -> None:
    """Return if this session reached the level lately (FRESH): for a view whose answer decides whether that counts.

    Raises StepUpRequired("step_up_required").
    """
    if current_wallet().clock.now() - g.authenticated_at > FRESH or current_actor().auth_level < auth_level:
        raise StepUpRequired("step_up_required", auth_level=int(auth_level), max_age=int(FRESH.total_seconds()))


@contextmanager
def _telling_ways() -> Iterator[None]:
    """Let a refusal for want of authentication say how this holder can reach from this session what is needed."""
    try:
        yield
    except StepUpRequired as refusal:
        with current_wallet().read() as work:
            level = AuthLevel(refusal.values["auth_level"])
            refusal.values["ways"] = work.sessions.ways(current_session(), level)
        raise


def _act_for_ward(access: Access) -> None:
    """Where the header Acting-For names a ward of the caller's, what follows is done for the ward.

    Raises NotAllowed("not_for_wards") where the operation is the caller's own alone, NotFound for no ward of theirs.
    """
    ward_id = request.headers.get(ACTING_FOR)
    if ward_id is None:
        return
    if not access.for_wards:
        raise NotAllowed("not_for_wards")
    actor = current_actor()
    with current_wallet().read() as work:
        ward = work.guardians.ward(actor.account_id, ward_id)
    g.actor = replace(actor, holder_id=ward.holder_id, acting_for=ward.account_id)


def _refuse_large_headers() -> Response | None:
    """Refuse before anything is parsed (S-18)."""
    for name in ("Authorization", DPOP_SCHEME):
        if len(request.headers.get(name, "")) > MAX_HEADER_CHARACTERS:
            raise RequestHeaderFieldsTooLarge
    return None
