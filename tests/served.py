"""An application behind a socket, in a thread of the test's own process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response
from werkzeug.wsgi import LimitedStream


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        pass


@contextmanager
def served(application: Any, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve a WSGI application (PEP 3333) for the length of a block; give its address. port: 0 for any that is free.

    Two things that PEP 3333 asks of a server are done here, since werkzeug's own leaves them out: a body ends where it
    ends, and an answer is closed also when its reader has gone away in the middle of it (a page that is left, say).
    """

    def whole(environ: dict[str, Any], start: Any) -> Any:
        environ["wsgi.input"] = LimitedStream(environ["wsgi.input"], int(environ.get("CONTENT_LENGTH") or 0))
        return Response.from_app(application, environ, buffered=True)(environ, start)

    server = make_server(host, port, whole, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
