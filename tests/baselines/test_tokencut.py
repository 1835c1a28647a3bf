from object_methods import MethodOfOneObject
from slotlight.baselines.tokencut import tokencut


class TestTokencut(MethodOfOneObject):
    method = staticmethod(tokencut)
