def test_models_lists_everything(run):
    status, out, _ = run("models")
    assert status == 0
    for name in ("embedded", "dino-vits16", "dinov3-vits16", "tokencut", "kmeans-colour", "Apache-2.0"):
        assert name in out
