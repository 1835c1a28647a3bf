"""Ray Data: `Discover` for ``map_batches``, and `discover_on_ray`, which is what ``slotlight discover --ray`` does.

Ray spreads the photographs over actors. It starts them as there is work and room for them, and again where one is
killed; the batch of a lost actor is given to another. The process that asks keeps the record, so that the same command
goes on after that was killed itself.
"""

import json
import pickle
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from slotlight.config import EMBEDDED, ObjectRule
from slotlight.config.choices import Precision
from slotlight.discovery.discoverer import Discoverer, Tagged
from slotlight.discovery.pictures import discover_entries
from slotlight.discovery.record import Entry, Line
from slotlight.discovery.workers import Work
from slotlight.errors import ConfigError, ImageError, SlotlightError
from slotlight.formats.found import Found, FoundPhotograph
from slotlight.formats.parquet import parquet_row, parquet_schema
from slotlight.images import Encoded, Photograph
from slotlight.images.fetching import fetch
from slotlight.images.places import Place, place_of
from slotlight.loading import load

if TYPE_CHECKING:
    import pyarrow

_BATCH = 32  # photographs that an actor is given at once: what is done again when it is lost


class Discover:
    """Finds the objects of each row's photograph, as a callable class for ``ray.data.Dataset.map_batches``.

    A row has a column ``path`` (a path or URL, as the actor's machine sees it) or ``bytes`` (a photograph's file), or
    both, of which ``bytes`` counts. It comes back without ``bytes`` and with ``width``, ``height``, ``objects``
    (``left``, ``top``, ``right``, ``bottom``, ``area``, ``score``, ``class`` and the mask's ``rle``; best first) and
    ``error``, which is null unless the photograph cannot be read.

    Args:
        model: See `slotlight.load`, and so are ``weights``, ``device``, ``precision`` and ``rule``.
        seed: Of the slots' initial noise.
        batch_size: The most photographs that go through the model at once.

    Example:
        Photographs of a folder, on every core of a cluster::

            import ray
            from slotlight.integrations.ray import Discover

            found = ray.data.read_binary_files("s3://bucket/photographs", include_paths=True)
            found = found.map_batches(Discover, concurrency=(1, 16), num_cpus=2, batch_size=32)
            found.write_parquet("s3://bucket/objects")
    """

    def __init__(
        self,
        model: str = EMBEDDED,
        *,
        weights: Path | None = None,
        device: str = "auto",
        precision: Precision = "fp32",
        rule: ObjectRule | None = None,
        seed: int = 0,
        batch_size: int = 8,
    ) -> None:
        self.discoverer: Discoverer = load(
            model, weights=weights, device=device, precision=precision, rule=rule
        )
        self.settings = {"seed": seed, "batch_size": batch_size}

    def __call__(self, batch: Mapping[str, Any]) -> "pyarrow.Table":
        """Find the objects of a batch; the rows stay in their order.

        Raises:
            ConfigError: It has neither of the two columns.
        """
        import pyarrow as pa

        if not {"path", "bytes"} & set(batch):
            raise ConfigError(
                f"The rows have the columns {', '.join(batch)}; give them one called path or one called bytes."
            )
        count = len(next(iter(batch.values())))
        found: list[dict[str, Any]] = [{} for _ in range(count)]
        nothing = Found({}, lambda: iter(()))

        def tagged() -> Iterator[Tagged]:
            for row, content in _contents(batch, count):
                if isinstance(content, ImageError):
                    found[row.number] = _failed(content)
                else:
                    yield Tagged(content, row.number)

        def fail(given: Photograph | Tagged, fault: ImageError) -> None:
            assert isinstance(given, Tagged)
            assert isinstance(given.tag, int)
            found[given.tag] = _failed(fault)

        for discovery in self.discoverer.stream(tagged(), on_error=fail, **self.settings):
            assert isinstance(discovery.tag, int)
            height, width = discovery.image.shape[:2]
            photograph = FoundPhotograph("", "", "", 0, width, height, discovery.to_coco())
            found[discovery.tag] = parquet_row(photograph, nothing)
        told = pa.schema([parquet_schema().field(name) for name in ("width", "height", "objects", "error")])
        table = pa.Table.from_pylist(found, schema=told)
        for place, name in enumerate(name for name in batch if name != "bytes"):
            table = table.add_column(place, name, pa.array(list(batch[name])))
        return table


@dataclass(frozen=True)
class _Row:
    number: int
    place: Place
    shown: str


def _contents(batch: Mapping[str, Any], count: int) -> Iterator[tuple[_Row, Path | Encoded | ImageError]]:
    """The rows' photographs, where their bytes are at hand and where they must be fetched."""
    paths = batch.get("path", [None] * count)
    contents = batch.get("bytes", [None] * count)
    elsewhere = []
    for number, (path, content) in enumerate(zip(paths, contents, strict=True)):
        shown, place = place_of("" if path is None else str(path), "")
        row = _Row(number, place, shown or f"The photograph in row {number} of its batch")
        if content:
            yield row, Encoded(row.shown, bytes(content))
        elif path:
            elsewhere.append(row)
        else:
            yield row, ImageError(f"{row.shown} has neither a path nor bytes.")
    yield from fetch(elsewhere)


def _failed(fault: ImageError) -> dict[str, Any]:
    return {"width": None, "height": None, "objects": [], "error": str(fault)}


class _Lines:
    """An actor of `discover_on_ray`: entries in, lines of the record out, pictures written."""

    def __init__(self, work: Work) -> None:
        torch.set_num_threads(work.threads)
        self.work, self.discoverer = work, work.load()

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[str]]:
        work = self.work
        entries = [pickle.loads(b64decode(entry)) for entry in batch["entry"]]
        found = discover_entries(
            self.discoverer, entries, work.pictures, batch_size=work.batch_size, seed=work.seed
        )
        return {"line": [json.dumps(asdict(line)) for line in found]}


def discover_on_ray(work: Work, entries: Sequence[Entry], address: str) -> Iterator[Line]:
    """The lines of all photographs, as they are finished on a Ray cluster.

    An actor takes ``work.threads`` cores, or a GPU where the cluster has any and the model may use it. Paths, and the
    folder of the results where pictures are written, must be the same on all of its machines.

    Args:
        work: What an actor needs.
        entries: The photographs.
        address: Of a cluster, as ``ray.init`` takes it: ``auto``, ``HOST:PORT``, ``ray://HOST:PORT``; ``local`` starts
            one on this machine.

    Raises:
        SlotlightError: Ray is missing, does not answer, or the work has failed for good.
    """
    try:
        import ray
    except ImportError:
        raise SlotlightError("--ray needs Ray; run pip install 'slotlight[ray]'.") from None
    if not ray.is_initialized():
        try:
            ray.init(address=address, log_to_driver=False, logging_level="warning")
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise SlotlightError(
                f"No Ray cluster answers at {address!r} ({' '.join(str(error).split())[:200].rstrip('.')}); "
                "start one with `ray start --head`, or check the address."
            ) from None
    try:
        if entries:
            yield from _lines(work, entries)
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, SlotlightError):
            raise cause from None
        last = str(error).strip().splitlines()[-1][:300].rstrip(".")
        raise SlotlightError(
            f"Ray stopped: {last}; finished work is kept; the same command resumes from there."
        ) from error


def _lines(work: Work, entries: Sequence[Entry]) -> Iterator[Line]:
    import ray.data

    ray.data.DataContext.get_current().enable_progress_bars = False
    resources = ray.cluster_resources()
    needs = {"num_gpus": 1} if work.gpu and resources.get("GPU") else {"num_cpus": work.threads}
    name, share = next(iter(needs.items()))
    most = max(1, int(resources.get(name.removeprefix("num_").removesuffix("s").upper(), 1) // share))
    rows = ray.data.from_items(
        [{"entry": b64encode(pickle.dumps(entry)).decode()} for entry in entries],
        override_num_blocks=max(1, min(len(entries) // _BATCH, 10_000)),
    )
    found = rows.map_batches(
        _Lines,
        fn_constructor_args=(work,),
        batch_size=_BATCH,
        concurrency=(1, most),
        **needs,
    )
    for row in found.iter_rows():
        yield Line(**json.loads(row["line"]))
