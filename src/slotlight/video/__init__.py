"""Videos and cameras → objects that keep their number → an annotated video, COCO-video JSON, tracks."""
