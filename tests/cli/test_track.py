import sys


def test_a_missing_package_is_named_with_its_extra(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    (tmp_path / "clip.mp4").write_bytes(b"a video")
    status, _, error = run("track", tmp_path / "clip.mp4", "--out", tmp_path / "out", "--model", "centre-box")
    assert status == 2
    assert (
        error.splitlines()[-1] == "slotlight: this needs av; install it with: pip install 'slotlight[video]'"
    )
