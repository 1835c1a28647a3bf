from object_methods import MethodOfOneObject
from slotlight.baselines.lost import lost


class TestLost(MethodOfOneObject):
    method = staticmethod(lost)
