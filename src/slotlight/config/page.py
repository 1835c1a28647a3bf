"""Where a page in the browser is served."""

from dataclasses import dataclass

from slotlight.errors import ConfigError

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class PageConfig:
    """Where a page in the browser is served.

    Attributes:
        host: The address to listen on; 0.0.0.0 lets everyone on the network in.
        port: The port; without one, the first that is free from 7860.
        share: Make a public link as well, through Gradio's servers and with its program, which is downloaded.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    share: bool = False

    def __post_init__(self) -> None:
        if self.port is not None and not 1 <= self.port <= 65_535:
            raise ConfigError(f"port is {self.port}; it must be from 1 to 65535.")

    @property
    def is_private(self) -> bool:
        """Whether it is served to this machine alone."""
        return self.host in _LOOPBACK and not self.share
