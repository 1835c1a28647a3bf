"""A page → a server for it that keeps to itself: this machine alone unless asked, no call home, no file left behind.

Gradio would fetch fonts and scripts from elsewhere, tell its makers of each start, offer to fetch links for whoever
asks, and let variables of the environment open folders; all of that is switched off here.
"""

import io
import os
import threading
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slotlight.config.page import PageConfig
from slotlight.errors import ConfigError, OutputError

_POLICY = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; "
    "connect-src 'self' data: blob:; form-action 'self'; frame-ancestors 'none'; base-uri 'self'"
)
"""What the browser may load: nothing from another host."""


def require_gradio() -> None:
    """Refuse at once where the extra is not installed.

    Raises:
        ConfigError: It is not.
    """
    if find_spec("gradio") is None:
        raise ConfigError("Pages in the browser need Gradio; run pip install 'slotlight[demo]'.")


def serve(
    build: Callable[[Path], Any],
    place: PageConfig,
    *,
    most_bytes: int = 0,
    until: threading.Event | None = None,
    told: Callable[[str], None] = print,
) -> None:
    """Serve a page until the process is told to stop.

    Args:
        build: Makes the page (Gradio's blocks, and what `look` gives for them), given a folder for its files, which is
            deleted at the end.
        place: Where.
        most_bytes: The most that an uploaded file may have; 0 takes no upload.
        until: Stop once this is set.
        told: Called with sentences for the terminal.

    Raises:
        OutputError: It cannot listen there, or no public link can be had.
    """
    with TemporaryDirectory(prefix="slotlight-page-") as home:
        _set_environment(home)
        blocks, look = build(Path(home))
        try:
            with redirect_stdout(io.StringIO()):  # all that Gradio says of a public link, at length
                _, url, public = blocks.queue(api_open=False).launch(
                    server_name=place.host,
                    server_port=place.port,
                    share=place.share,
                    prevent_thread_lock=True,
                    quiet=True,
                    show_error=True,
                    ssr_mode=False,
                    pwa=False,
                    mcp_server=False,
                    enable_monitoring=False,
                    run_history=False,
                    footer_links=[],
                    allowed_paths=[],
                    max_file_size=max(1, most_bytes),
                    app_kwargs={"middleware": _middleware(place)},
                    **look,
                )
        except (OSError, ValueError) as fault:
            raise OutputError(_reason(place, fault)) from None
        try:
            if place.share and not public:
                raise OutputError("No public link could be made; check the network, or leave out --share.")
            told(f"Open {public or url} in a browser; Ctrl-C ends the page.")
            (until or threading.Event()).wait()
        except KeyboardInterrupt:
            pass
        finally:
            blocks.close(verbose=False)


def _set_environment(home: str) -> None:
    for name in [name for name in os.environ if name.startswith("GRADIO_")]:
        del os.environ[name]
    os.environ |= {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_TEMP_DIR": home,
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }


def _reason(place: PageConfig, fault: Exception) -> str:
    if isinstance(fault, OSError):
        where = f"{place.host}, port {place.port}" if place.port else place.host
        cause = "the port is in use or the address is not this machine's"
        return f"No page can be served on {where}: {cause}; choose others."
    return f"The page cannot be reached from this machine itself; unset proxies for localhost ({fault})."


def _middleware(place: PageConfig) -> list[Any]:
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    # A page elsewhere could have its own name resolve to this machine, and so read what is served here.
    names = ["localhost", "127.0.0.1", "::1", "[::1]"] if place.is_private else ["*"]
    return [Middleware(TrustedHostMiddleware, allowed_hosts=names), Middleware(_KeepToItself)]


class _KeepToItself:
    """Tells the browser to load nothing from elsewhere, and refuses to fetch anything from elsewhere for it."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if "/file=http" in path or "/proxy=" in path:
            from starlette.responses import PlainTextResponse

            await PlainTextResponse("This page fetches nothing from elsewhere.", 403)(scope, receive, send)
            return

        async def send_with_policy(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"content-security-policy", _POLICY.encode()),
                    (b"referrer-policy", b"no-referrer"),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        await self.app(scope, receive, send_with_policy)
