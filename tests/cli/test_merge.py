def test_shards_become_one_run(run, trip, monkeypatch):
    monkeypatch.chdir(trip)
    for shard in ("1/2", "2/2"):
        args = ("discover", "pics", "r", "--model", "centre-box", "--shard", shard)
        assert run(*args, "--out", f"part-{shard[0]}")[0] == 0
    status, said, err = run("merge", "part-2", "part-1", "--out", "merged")
    assert (status, err) == (0, "")
    assert "2 photographs: objects in merged" in said
    status, _, err = run("merge", "part-1", "--out", "half")
    assert status > 0
    assert (err.count("\n"), "2/2" in err) == (1, True)
