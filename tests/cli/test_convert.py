from commands import found_images


def test_formats_then_others_without_the_model(run, trip, monkeypatch):
    monkeypatch.chdir(trip)
    args = ("discover", "pics", "--out", "found", "--model", "centre-box", "--format", "csv", "coco")
    status, out, _ = run(*args, "--uncertain-first", "--root", "pics")
    assert status == 0
    assert "objects in found/objects.json, found/objects.csv" in " ".join(out.split())
    assert found_images(trip / "found")[0]["file_name"] == "a.jpg"
    assert (trip / "found/uncertain-first.csv").read_text().splitlines()[1].startswith("a.jpg,1,")
    status, out, _ = run("convert", "found", "--out", "labels", "--format", "yolo")
    assert (status, out.strip()) == (0, "1 photograph: labels/yolo")
    assert (trip / "labels/yolo/labels/a.txt").is_file()
    status, _, err = run("convert", "found", "--out", "labels", "--format", "yolo8")
    assert (status, err.count("\n")) == (2, 1)
    assert "There is no format 'yolo8'; did you mean 'yolo'? Valid: coco, coco-polygons, csv" in err
