from slotlight.evaluation.curves import Curve
from slotlight.evaluation.tables import Row
from slotlight.report.charts import LEFT, charts_of


def test_charts_put_models_above_floors() -> None:
    curve = Curve("t", "x", "y", (0.0, 1.0), (0.0, 0.5))
    rows = [Row("model", False, (), (curve,)), Row("floor", True, (), (curve,))]
    chart = charts_of(rows, {"model": 0, "floor": 1})[0]
    assert [line.model for line in chart.lines] == ["floor", "model"]
    assert chart.lines[0].points.startswith(f"{LEFT:.1f},")
