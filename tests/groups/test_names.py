"""`names.csv` as people and spreadsheets leave it."""

import pytest

from slotlight.errors import ConfigError
from slotlight.groups.names import names_csv, read_names


def test_what_is_written_is_read(tmp_path):
    names = {1: 'a "cat", sitting', 2: "字", 3: ""}
    (tmp_path / "names.csv").write_text(names_csv([9, 8, 7], names), encoding="utf-8")
    assert read_names(tmp_path / "names.csv", 3) == names


def test_without_a_file_groups_have_numbers(tmp_path):
    assert read_names(tmp_path / "names.csv", 2) == {1: "group 1", 2: "group 2"}


@pytest.mark.parametrize(
    "content",
    [
        b"group,objects,name\n1,5,cat\n2,3,dog\n",
        b"\xef\xbb\xbfgroup;objects;name\r\n1;5;cat\r\n2;3;dog\r\n",  # Excel, where the comma is decimal
        b"name\tgroup\n dog \t2\n\ncat\t 1\n",
        b"Group,Name\n2,dog\n1,cat\n,\n",
    ],
)
def test_forms_that_spreadsheets_save(tmp_path, content):
    (tmp_path / "names.csv").write_bytes(content)
    assert read_names(tmp_path / "names.csv", 2) == {1: "cat", 2: "dog"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "lacks the columns"),
        (b"1,5,cat\n", "lacks the columns"),
        (b"group,name\n1,cat\n", "no line for group 2"),
        (b"group,name\n1,cat\n1,dog\n", "line 3, names group 1 again"),
        (b"group,name\n1,cat\n3,dog\n", "line 3, names the group '3'; valid: 1 to 2"),
        (b"group,name\n1,cat\ntwo,dog\n", "the group 'two'"),
        (b"group,name\n1,\n2,\n", "gives no group a name"),
        (b'group,name\n1,"big\ncat"\n2,dog\n', "put it on one line"),
        (b'group,name\n1,"cat\n', "cannot be read"),
        ("group,name\n1,Käse\n2,dog\n".encode("latin-1"), "CSV in UTF-8"),
    ],
)
def test_a_fault_is_one_sentence(tmp_path, content, says):
    (tmp_path / "names.csv").write_bytes(content)
    with pytest.raises(ConfigError, match=says):
        read_names(tmp_path / "names.csv", 2)
