"""What users name, and the photographs that it leads to."""

import shutil
import tarfile

import pytest

from slotlight.errors import ImageError
from slotlight.images.sources import survey_sources


def named(*names):
    return [photograph.file for photograph in survey_sources(names).photographs]


@pytest.fixture
def tar(folder):
    with tarfile.open(folder / "x.tar", "w") as archive:
        archive.add(folder / "a.jpg", "in/a.jpg")
    return folder / "x.tar"


def test_local_files_are_a_source(folder):
    expected = [str(folder / name) for name in ("a.jpg", "b.png", "sub/c.jpg")]
    assert named(folder) == expected
    assert named(folder / "*.png", folder / "b.png", folder / "a.jpg") == [expected[1], expected[0]]
    (folder / "list.txt").write_text("b.png\na.jpg\nb.png\nmissing.jpg\n")
    assert named(folder / "list.txt", folder) == [
        expected[1],
        expected[0],
        f"{folder}/missing.jpg",
        expected[2],
    ]


def test_archives_in_folders_are_said_to_be_left_out(folder, tar):
    survey = survey_sources([folder])
    assert len(survey.photographs) == 3
    assert survey.left_out == [
        f"1 .tar file was left out of {folder}; to read the photographs in it, pass it explicitly."
    ]
    shutil.copy(tar, folder / "y.tar")
    assert named(folder / "?.tar") == [f"{folder}/x.tar/in/a.jpg", f"{folder}/y.tar/in/a.jpg"]


@pytest.mark.usefixtures("tar")
def test_web_addresses(folder, web):
    (folder / "list.txt").write_text("a.jpg\n")
    url = web.url
    assert named(f"{url}/b.png?size=big", f"{url}/list.txt", f"{url}/x.tar") == [
        *(f"{url}/b.png?size=big", f"{url}/a.jpg", f"{url}/x.tar/in/a.jpg")
    ]
    assert not web.asked[f"{url}/a.jpg"]


@pytest.mark.slow
def test_stores(bucket, tar):
    import s3fs

    s3fs.S3FileSystem(skip_instance_cache=True).put(str(tar), f"{bucket}/tars/x.tar")
    photographs = [f"{bucket}/{name}" for name in ("a.jpg", "b.png", "sub/c.jpg")]
    assert named(bucket) == named(f"{bucket}/") == photographs
    assert named(f"{bucket}/*.jpg") == [f"{bucket}/a.jpg"]
    assert named(f"{bucket}/a.jpg", bucket) == photographs
    assert named(f"{bucket}/gone.jpg") == [f"{bucket}/gone.jpg"]
    assert named(f"{bucket}/tars/*.tar") == named(f"{bucket}/tars/x.tar") == [f"{bucket}/tars/x.tar/in/a.jpg"]
    with pytest.raises(ImageError, match="nothing-here holds no photograph"):
        named(f"{bucket}/nothing-here")


def test_ids_that_meet(folder):
    (folder / "m.csv").write_text("id,path\n1,a.jpg\n1,a.jpg\n")
    assert named(folder / "m.csv") == ["1"]
    (folder / "n.csv").write_text("id,path\n2,a.jpg\n2,b.png\n")
    with pytest.raises(ImageError, match=r"have the id 2 \(.*a\.jpg and .*b\.png\); give each its own"):
        named(folder / "n.csv")
    (folder / "o.csv").write_text(f"id,path\n{folder}/a.jpg,b.png\n")
    with pytest.raises(ImageError, match="is both a photograph's id and another's path"):
        named(folder / "o.csv", folder)


@pytest.mark.parametrize("name", ["x.tar.gz", "x.zip", "x.tgz"])
def test_compressed_archives(folder, name):
    (folder / name).write_text("x")
    with pytest.raises(ImageError, match=rf"{name} is compressed; unpack it"):
        named(folder / name)


def test_a_table_that_is_not_there(folder):
    for name in ("x.csv", "x.tar", "x.txt"):
        with pytest.raises(ImageError, match=f"There is no file or folder .*{name}"):
            named(folder / name)


def test_local_addresses_and_lists_of_nothing(folder):
    assert named((folder / "a.jpg").as_uri()) == [str(folder / "a.jpg")]
    (folder / "sub/.slotlight").touch()
    with pytest.raises(ImageError, match="pictures that Slotlight wrote itself"):
        named((folder / "sub").as_uri())
    (folder / "empty.txt").write_text("\n")
    with pytest.raises(ImageError, match=r"empty\.txt contains no photographs"):
        named(folder, folder / "empty.txt")
