"""The scanner page `/scan`: its shell, what it is told once, its service worker. What it does needs no server.

The page is the only one that may use the camera and run WebAssembly. docs/scanning.md
"""

import io
import json
from functools import cache
from importlib.resources import files
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from PIL import Image, ImageDraw

from wallet.errors import NotFound
from wallet.terms import SAMPLE_MARK
from wallet.texts.catalogue import LANGUAGES, catalogue
from wallet.web.answers import NO_STORE, json_answer
from wallet.web.context import current_wallet
from wallet.web.front_assets import DIST, built
from wallet.web.language import caller_language

routes = Blueprint("scan", __name__)

PAGE = "scan"
CSP = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; font-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
CAMERA = "camera=(self), microphone=(), geolocation=()"
RETRY_SECONDS = 3
SEEN_COOKIE = "scan_seen"
SEEN_SECONDS = 400 * 86_400
"""The longest that browsers keep a cookie (RFC 6265bis). It says one thing: this browser was here before."""
ICON_SIZES = frozenset({"180", "192", "512"})
FRAME, EDGE, PAPER = "#22103a", "#ffb400", "#ffffff"


@routes.get("/scan")
def read_scanner() -> Response:
    """Show the scanner; as long as it is being built, say so and look again."""
    assets, language = built(), _language()
    ready = assets is not None and PAGE in assets.entries
    html = render_template(
        "scan.html",
        lang=language,
        t=catalogue(language)["scan"],
        mark=SAMPLE_MARK,
        script=assets.script(PAGE) if assets is not None and ready else None,
        style=assets.style(PAGE) if assets is not None and ready else None,
        retry_seconds=RETRY_SECONDS,
    )
    response = make_response(html, 200 if ready else 503)
    if not ready:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    response.headers["Content-Security-Policy"] = CSP
    response.headers["Permissions-Policy"] = CAMERA
    response.headers["Content-Language"] = language
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Vary"] = "Accept-Language"
    return response


@routes.get("/scan/config.json")
def read_scanner_config() -> Response:
    """Tell the pins, the gates and when the page was built. The page takes the pins once, at its first start."""
    told = {
        "service_url": current_wallet().settings.issuer_url,
        "pins": current_wallet().trust.pins,
        "built_at": _built_at(),
        "profiles": profiles(),
        "seen_before": SEEN_COOKIE in request.cookies,
    }
    response = json_answer(told, cache=NO_STORE)
    response.set_cookie(
        SEEN_COOKIE,
        "1",
        max_age=SEEN_SECONDS,
        path="/scan",
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )
    return response


@routes.get("/scan/sw.js")
def read_scanner_worker() -> Response:
    """Serve the service worker of `/scan`, always the newest."""
    response = _script(f"{PAGE}-sw", "default-src 'none'; connect-src 'self'")
    response.headers["Service-Worker-Allowed"] = "/scan"
    return response


@routes.get("/scan/worker.js")
def read_scanner_reader() -> Response:
    """Serve what reads and judges codes; below `/scan`, or the service worker would not hand it out without network."""
    return _script(f"{PAGE}-worker", "default-src 'none'; script-src 'wasm-unsafe-eval'; connect-src 'self'")


@routes.get("/scan/manifest.webmanifest")
def read_scanner_manifest() -> Response:
    """Tell how the page is installed as an app. Source: W3C Web Application Manifest."""
    texts = catalogue(LANGUAGES[0])["scan"]
    icons: list[dict[str, str]] = [{"src": "/scan/icon.svg", "sizes": "any", "type": "image/svg+xml"}]
    icons += [
        {"src": f"/scan/icon-{size}.png", "sizes": f"{size}x{size}", "type": "image/png", "purpose": "any maskable"}
        for size in sorted(ICON_SIZES - {"180"})
    ]
    told = {
        "id": "/scan",
        "name": texts["title"],
        "short_name": texts["name"],
        "lang": LANGUAGES[0],
        "start_url": "/scan",
        "scope": "/scan",
        "display": "standalone",
        "background_color": FRAME,
        "theme_color": FRAME,
        "icons": icons,
    }
    response = json_answer(told, cache="no-cache")
    response.mimetype = "application/manifest+json"
    return response


@routes.get("/scan/icon.svg")
def read_scanner_icon() -> Response:
    """Draw the page's sign, at any size."""
    response = make_response(_ICON)
    response.mimetype = "image/svg+xml"
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


@routes.get("/scan/<name>.png")
def read_scanner_icon_png(name: str) -> Response:
    """Draw the page's sign for what takes no SVG: the home screens of phones."""
    size = name.removeprefix("icon-")
    if size not in ICON_SIZES or size == name:
        raise NotFound("not_found")
    response = make_response(_icon_png(int(size)))
    response.mimetype = "image/png"
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


def _script(entry: str, policy: str) -> Response:
    assets = built()
    name = None if assets is None else assets.entries.get(entry)
    if name is None:
        raise NotFound("not_found")
    response = make_response((DIST / name).read_bytes())
    response.mimetype = "text/javascript"
    response.headers["Cache-Control"] = "no-cache, no-store"
    response.headers["Content-Security-Policy"] = policy
    return response


@cache
def profiles() -> list[dict[str, Any]]:
    """Return the gates that can be chosen, as `gate_profiles.json` has them."""
    found: list[dict[str, Any]] = json.loads(files("wallet.web").joinpath("gate_profiles.json").read_text("utf-8"))
    return found


def _built_at() -> int:
    """Return when the page was built; 0 as long as it was not."""
    try:
        return int((DIST / "manifest.json").stat().st_mtime)
    except OSError:
        return 0


def _language() -> str:
    asked = request.args.get("lang", "")
    return asked if asked in LANGUAGES else caller_language()


_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
    f'<rect width="64" height="64" fill="{FRAME}"/>'
    f'<path d="M14 25V14h11M39 14h11v11M50 39v11H39M25 50H14V39" fill="none" stroke="{EDGE}" stroke-width="4"/>'
    f'<path d="M22 33l7 8 14-17" fill="none" stroke="{PAPER}" stroke-width="5"/></svg>'
)
_CORNERS = (
    ((14, 25), (14, 14), (25, 14)),
    ((39, 14), (50, 14), (50, 25)),
    ((50, 39), (50, 50), (39, 50)),
    ((25, 50), (14, 50), (14, 39)),
)
_TICK = ((22, 33), (29, 41), (43, 24))


@cache
def _icon_png(size: int) -> bytes:
    """Return the drawing of `_ICON` as PNG."""
    big = 4 * size
    image = Image.new("RGB", (big, big), FRAME)
    draw = ImageDraw.Draw(image)
    for points, colour, width in (*((corner, EDGE, 4) for corner in _CORNERS), (_TICK, PAPER, 5)):
        scaled = [(x * big / 64, y * big / 64) for x, y in points]
        draw.line(scaled, fill=colour, width=width * big // 64, joint="curve")
    found = io.BytesIO()
    image.resize((size, size), Image.Resampling.LANCZOS).save(found, "PNG")
    return found.getvalue()
