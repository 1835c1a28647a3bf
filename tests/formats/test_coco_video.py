import json

from slotlight.formats.coco_video import Sighting, VideoInfo, coco_video_json


def test_tracks_have_a_place_for_each_frame_and_null_where_they_are_unseen() -> None:
    def seen(area: int, score: float) -> dict:
        return {
            "segmentation": {"size": [2, 3], "counts": "06"},
            "bbox": [0, 0, 3, 2],
            "area": area,
            "score": score,
        }

    video = VideoInfo("clip", 3, 2, [0, 2, 4, 6], [0.0, 0.1, 0.2, 0.3])
    tracks = [(1, [Sighting(1, seen(6, 0.5)), Sighting(3, seen(4, 1.0))]), (5, [Sighting(0, seen(2, 0.2))])]
    file = json.loads("".join(coco_video_json({"model": "x"}, video, lambda: tracks)))
    assert file["info"] == {"model": "x"}
    assert file["videos"][0]["file_names"][3] == "clip/000006.jpg"
    first, other = file["annotations"]
    assert (first["id"], first["areas"], first["score"]) == (1, [None, 6, None, 4], 0.75)
    assert [code is None for code in first["segmentations"]] == [True, False, True, False]
    assert (other["id"], other["areas"]) == (5, [2, None, None, None])
    assert other["bboxes"] == [[0, 0, 3, 2], None, None, None]
