"""Stores and web servers: what is read, what is tried again, and what is said of the rest."""

import sys
import threading
import time

import pytest

from slotlight.errors import ImageError, SlotlightError
from slotlight.images import remote
from slotlight.images.remote import Stop, list_remote, look_up, obey, read_remote


class TestWeb:
    def test_files_and_parts_of_files(self, web, folder):
        content = (folder / "a.jpg").read_bytes()
        assert read_remote(f"{web.url}/a.jpg") == content
        assert read_remote(f"{web.url}/a.jpg", 10, 30) == content[10:30]
        assert look_up(f"{web.url}/a.jpg").version[0] == len(content)

    @pytest.mark.usefixtures("impatient")
    def test_what_fails_for_a_while_is_asked_for_again(self, web, folder):
        assert read_remote(f"{web.url}/flaky/3/a.jpg") == (folder / "a.jpg").read_bytes()
        assert web.asked["/flaky/3/a.jpg"] == 4 == remote.TRIES

    @pytest.mark.parametrize(
        ("path", "says", "tries"),
        [
            ("nowhere.jpg", "does not exist", 1),
            ("forbidden/a.jpg", "access is forbidden; check your credentials", 1),
            ("flaky/9/a.jpg", "HTTP status 503; it was tried 4 times", 4),
            ("slow/a.jpg", "did not arrive within 0.3 seconds; it was tried 4 times", 4),
            ("cut/a.jpg", "it was tried 4 times", 4),
        ],
    )
    @pytest.mark.usefixtures("impatient")
    def test_each_fault_is_one_sentence(self, web, monkeypatch, path, says, tries):
        if path.startswith("slow"):
            monkeypatch.setattr("slotlight.images.remote.SECONDS", 0.3)
        with pytest.raises(ImageError, match=says) as fault:
            read_remote(f"{web.url}/{path}")
        assert str(fault.value).startswith(f"{web.url}/{path} ")
        assert web.asked[f"/{path}"] == tries

    @pytest.mark.usefixtures("impatient")
    def test_nobody_listens(self):
        with pytest.raises(ImageError, match=r"cannot be read: .*it was tried 4 times"):
            read_remote("http://127.0.0.1:9/a.jpg")

    def test_what_never_ends_is_cut_off(self, web, monkeypatch):
        monkeypatch.setattr("slotlight.images.remote.MOST_BYTES", 100)
        with pytest.raises(ImageError, match="has more than 100 bytes"):
            read_remote(f"{web.url}/a.jpg")

    def test_a_server_that_gives_no_parts_is_no_archive(self, web):
        with pytest.raises(ImageError, match="does not support range requests; download it"):
            read_remote(f"{web.url}/whole/a.jpg", 0, 10)

    def test_whoever_is_stopped_waits_for_no_server(self, web):
        stop = Stop()
        said: list[str] = []

        def ask() -> None:
            obey(stop)
            with pytest.raises(ImageError) as fault:
                read_remote(f"{web.url}/slow/a.jpg")
            said.append(str(fault.value))

        thread = threading.Thread(target=ask)
        thread.start()
        while not web.asked:
            time.sleep(0.01)
        stop.now()
        thread.join(timeout=5)
        assert not thread.is_alive()
        assert said


class TestStore:
    def test_prefixes_patterns_and_objects(self, bucket, folder):
        found = list_remote(bucket)
        names = ["a.jpg", "b.png", "notes.md", "sub/c.jpg"]
        assert [file.url for file in found] == [f"{bucket}/{name}" for name in names]
        assert len({file.version for file in found}) == 4
        assert [file.url for file in list_remote(f"{bucket}/*/*.jpg")] == [f"{bucket}/sub/c.jpg"]
        assert list_remote(f"{bucket}/a.jpg") == found[:1]
        content = (folder / "a.jpg").read_bytes()
        assert read_remote(f"{bucket}/a.jpg") == content
        assert read_remote(f"{bucket}/a.jpg", 5, 25) == content[5:25]

    @pytest.mark.slow
    def test_another_content_is_another_version(self, bucket, folder):
        import s3fs

        before = list_remote(bucket)
        assert list_remote(bucket) == before
        store = s3fs.S3FileSystem(skip_instance_cache=True)
        store.pipe(f"{bucket}/a.jpg", bytes(len((folder / "a.jpg").read_bytes())))
        after = list_remote(bucket)
        assert [one == other for one, other in zip(before, after, strict=True)] == [False, True, True, True]

    def test_what_is_absent(self, bucket):
        with pytest.raises(ImageError, match=r"nowhere\.jpg does not exist"):
            read_remote(f"{bucket}/nowhere.jpg")
        with pytest.raises(ImageError, match=r"no-such-bucket/a\.jpg does not exist"):
            read_remote("s3://no-such-bucket/a.jpg")

    @pytest.mark.slow
    def test_a_server_that_is_away(self, bucket, monkeypatch):
        monkeypatch.setattr("slotlight.images.remote.FIRST_WAIT", 0.01)
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        import s3fs

        s3fs.S3FileSystem.clear_instance_cache()
        try:
            with pytest.raises(ImageError, match=r"cannot be read: .*; it was tried 4 times"):
                read_remote(f"{bucket}/a.jpg")
        finally:
            s3fs.S3FileSystem.clear_instance_cache()


def test_a_missing_package_is_one_sentence(monkeypatch):
    import fsspec.core  # noqa: F401 - the registry

    for name in ("s3fs", "gcsfs"):
        monkeypatch.setitem(sys.modules, name, None)
    for scheme in ("s3", "gs"):
        monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, scheme, raising=False)
    with pytest.raises(
        SlotlightError, match=r"s3://b/a.jpg needs .*; run pip install 'slotlight\[remote\]'\.$"
    ):
        read_remote("s3://b/a.jpg")
    with pytest.raises(SlotlightError, match=r"gs://b/a.jpg needs .*; run pip install gcsfs\.$"):
        read_remote("gs://b/a.jpg")


def test_a_scheme_that_nothing_reads():
    with pytest.raises(SlotlightError, match=r"qq://b/a\.jpg cannot be read: Protocol not known: qq"):
        read_remote("qq://b/a.jpg")
