"""Nothing that is shown is taken for markup."""

from slotlight.page.findings import Row
from slotlight.page.look import html


def test_names_are_escaped():
    rows = [Row(1, "#ff0000", 53, "", 1, 2, 3, 4)]
    shown = html("objects.html", name="<script>a</script>.jpg", width=4, height=3, rows=rows, more=2)
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "1 object, 2 more" in " ".join(shown.split())
    assert "53 %" in shown
    none = html("objects.html", name="a", width=4, height=3, rows=[], more=0)
    assert "no objects." in " ".join(none.split())
    assert "<table" not in none
