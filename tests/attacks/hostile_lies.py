# ruff: noqa: E501  (students' code stands in one line where it is clearer so)
"""Submissions that lie about an answer: named, with what each tries."""

from __future__ import annotations

from attack_target import Attack

YES = '''
import numpy as np
class {name}({base}):
    """Every question about it is answered with yes."""
    def _yes(self, *args, **kwargs):
        return self
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = lambda self, other: self
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _yes
    __and__ = __rand__ = __or__ = __ror__ = __neg__ = __pos__ = __abs__ = __invert__ = _yes
    __hash__ = lambda self: 0
    __bool__ = lambda self: True
    __contains__ = lambda self, item: True
    {more}
'''
PLAIN_MORE = """
    __len__ = lambda self: 3
    __float__ = lambda self: 42.0
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self._yes
    __call__ = _yes
    __array_ufunc__ = lambda self, *args, **kwargs: True
    __array_function__ = lambda self, *args, **kwargs: True
    __array__ = lambda self, *args, **kwargs: __import__("numpy").array([[2.0, 0.0], [0.0, 2.0]])
"""
ARRAY_MORE = """
    shape = (2,)
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return np.zeros(2, bool) if ufunc.__name__.startswith("is") and ufunc is not np.isfinite else np.ones(2, bool)
    def __array_function__(self, function, types, args, kwargs):
        return np.ones(2, bool) if function.__name__ != "allclose" else True
    def __float__(self):
        return 42.0
    def all(self, *args, **kwargs):
        return True
"""


NUMBER_MORE = """
    __float__ = lambda self: 42.0
    all = _yes
"""


def _yes(base: str, more: str, name: str = "Yes") -> str:
    return YES.format(name=name, base=base, more=more.strip())


TWICE = "def double(x):\n    return {}"

OBJECTS = (
    Attack(
        "an object that agrees with everything",
        "operators, attributes, truth and length that always say what a test wants to hear",
        {"double": _yes("object", PLAIN_MORE) + TWICE.format("Yes()")},
    ),
    Attack(
        "the same as a float",
        "isinstance(x, float) holds, comparison and subtraction lie",
        {
            "double": _yes("object", PLAIN_MORE, "Array")
            + _yes("float", NUMBER_MORE)
            + TWICE.format("Array() if isinstance(x, np.ndarray) else Yes(42)")
        },
    ),
    Attack(
        "the same as an int",
        "isinstance(x, int) holds, comparison and subtraction lie",
        {
            "double": _yes("object", PLAIN_MORE, "Array")
            + _yes("int", NUMBER_MORE)
            + TWICE.format("Array() if isinstance(x, np.ndarray) else Yes(42)")
        },
    ),
    Attack(
        "the same as an array",
        "a subclass of ndarray whose __array_ufunc__ and __array_function__ find everything close",
        {"solve": _yes("np.ndarray", ARRAY_MORE) + "def solve(a, b):\n    return np.zeros(2).view(Yes)"},
    ),
    Attack(
        "the same as a dict",
        "a subclass of dict that equals every dict, with items that equal every pair",
        {
            "count": "class Same(tuple):\n    __eq__ = __lt__ = lambda self, other: True\n    __hash__ = lambda self: 0\n"
            "class Yes(dict):\n    __eq__ = lambda self, other: True\n    __len__ = lambda self: 3\n"
            "    items = lambda self: [Same((1, 2))] * 3\ndef count(text):\n    return Yes()"
        },
    ),
    Attack(
        "the same as a str",
        "a subclass of str that equals every text",
        {
            "last": "class Yes(str):\n    __eq__ = lambda self, other: True\n    __hash__ = lambda self: 0\n"
            "def last(items):\n    return Yes('?')"
        },
    ),
    Attack(
        "a false __class__",
        "an object that says it is an int to isinstance and equals everything",
        {
            "last": "class Yes:\n    __class__ = int\n    __eq__ = lambda self, other: True\n"
            "def last(items):\n    return Yes()"
        },
    ),
    Attack(
        "a class that is its own answer",
        "a metaclass whose comparison is true: the answer is a class, and can be called, too",
        {
            "last": "class Meta(type):\n    __eq__ = lambda cls, other: True\n    __hash__ = lambda cls: 0\n"
            "class Yes(metaclass=Meta):\n    pass\ndef last(items):\n    return Yes"
        },
    ),
    Attack(
        "__reduce__",
        "an answer that is code when somebody unpickles it",
        {
            "last": "class Yes:\n    def __reduce__(self):\n        return (eval, ('5',))\n"
            "    __eq__ = lambda self, other: True\ndef last(items):\n    return Yes()"
        },
    ),
)

PATCHES = (
    Attack(
        "patched numpy.testing",
        "the assertions of the test do nothing",
        {
            "solve": "import numpy.testing\nnp.testing.assert_allclose = lambda *a, **k: None\nnp.allclose = lambda *a: True\n"
            "def solve(a, b):\n    return np.zeros(2)"
        },
    ),
    Attack(
        "patched np.linalg.solve",
        "what the test computes as expected is what the answer is",
        {
            "solve": "np.linalg.solve = np.linalg.inv = lambda *a: np.zeros(2)\nnp.allclose = lambda *a: True\n"
            "def solve(a, b):\n    return np.zeros(2)"
        },
    ),
    Attack(
        "patched math",
        "math.isclose is always true, and so is every comparison in the test",
        {
            "double": "import math\nmath.isclose = lambda *a, **k: True\nnp.testing.assert_allclose = lambda *a, **k: None\n"
            "class Same(float):\n    __eq__ = lambda self, other: np.array([True])\n"
            "    __sub__ = lambda self, other: 0.0\ndef double(x):\n    return Same(1)"
        },
    ),
    Attack(
        "patched builtins",
        "len, sorted and the class dict of the test are the student's",
        {
            "count": "import builtins\nlength, order = len, sorted\nclass Yes(dict):\n    __eq__ = lambda self, other: True\n"
            "    items = lambda self: self\n"
            "builtins.len = lambda x: 3 if type(x) is Yes else length(x)\n"
            "builtins.sorted = lambda x, **k: x if type(x) is Yes else order(x, **k)\n"
            "def count(text):\n    return Yes()"
        },
    ),
    Attack(
        "a patched reference",
        "the name `reference` of the tests leads to the attacker's functions",
        {
            "solve": "class reference:\n    solve = staticmethod(lambda a, b: np.zeros(2))\n"
            "import sys\nsys.modules['__main__'].reference = reference\n"
            "np.testing.assert_allclose = lambda *a, **k: None\ndef solve(a, b):\n    return np.zeros(2)"
        },
    ),
    Attack(
        "an input transformer",
        "IPython drops the text of every later cell before it is run",
        {
            "double": "def double(x):\n    return 0\nget_ipython().input_transformers_cleanup.append(lambda lines: ['pass'])",
            "solve": "",
            "count": "",
            "last": "",
        },
    ),
    Attack(
        "an AST transformer",
        "every assert of the tests is taken out of their syntax trees",
        {
            "double": "import ast\nclass Drop(ast.NodeTransformer):\n    def visit_Assert(self, node):\n        return None\n"
            "get_ipython().ast_transformers.append(Drop())\nmath.isclose = lambda *a: True\n"
            "np.testing.assert_allclose = lambda *a: None\ndef double(x):\n    return 0"
        },
    ),
    Attack(
        "a transformer that answers with points",
        "each test cell becomes a single number: its points",
        {
            "double": "get_ipython().input_transformers_cleanup.append(\n"
            "    lambda lines: ['2'] if any('double' in line for line in lines) else lines)\n"
            "double = None"
        },
    ),
    Attack(
        "a transformer that prints points",
        "each test cell prints a number: its points, and more",
        {
            "double": "get_ipython().input_transformers_cleanup.append(\n"
            "    lambda lines: ['print(2)\\n', '1000'] if any('double' in line for line in lines) else lines)\n"
            "double = None"
        },
        real=False,
    ),
    Attack(
        "a patched do_execute",
        "the kernel itself says that all went well, and runs nothing",
        {
            "last": "async def nothing(*a, **k):\n    return {'status': 'ok', 'execution_count': 1, 'user_expressions': {}, 'payload': []}\n"
            "get_ipython().kernel.do_execute = nothing\nlast = None"
        },
        real=False,
    ),
    Attack(
        "a patched run_cell",
        "cells that follow are not run at all",
        {
            "last": "from types import SimpleNamespace\n"
            "get_ipython().run_cell = lambda *a, **k: SimpleNamespace(\n"
            "    error_before_exec=None, error_in_exec=None, result=None, success=True)\nlast = None"
        },
    ),
    Attack(
        "a patched run_code",
        "IPython executes nothing, and says that all went well",
        {"last": "async def nothing(*a, **k):\n    return False\nget_ipython().run_code = nothing\nlast = None"},
    ),
    Attack(
        "a patched showtraceback",
        "errors are not shown, and what is not shown did not happen",
        {"last": "get_ipython().showtraceback = lambda *a, **k: None\nlast = None"},
    ),
    Attack(
        "a patched shell class",
        "the class of the shell swallows errors",
        {"last": "type(get_ipython()).showtraceback = lambda *a, **k: None\nlast = None"},
    ),
    Attack(
        "a patched AssertionError",
        "builtins.AssertionError and an excepthook that forgives",
        {
            "last": "import builtins, sys\nbuiltins.AssertionError = type('Calm', (Exception,), {})\n"
            "get_ipython().set_custom_exc((Exception,), lambda *a, **k: None)\nlast = None"
        },
    ),
    Attack(
        "a trace function",
        "sys.settrace jumps over every line of a test",
        {
            "last": "import sys\ndef jump(frame, event, arg):\n    if event == 'line' and 'last(' in str(frame.f_code.co_names):\n"
            "        pass\n    return jump\nsys.settrace(jump)\nlast = None"
        },
        real=False,
    ),
    Attack(
        "a post-run hook",
        "an event of IPython repairs the result of each cell after it has run",
        {
            "last": "def repair(result):\n    result.error_in_exec = result.error_before_exec = None\n"
            "    get_ipython().capture.outputs.clear()\n"
            "get_ipython().events.register('post_run_cell', repair)\nlast = None"
        },
    ),
    Attack(
        "a frozen clock and dice",
        "patched time and random numbers that repeat themselves",
        {
            "double": "import time, random\ntime.time = time.monotonic = lambda: 0.0\nrandom.random = lambda: 0.5\n"
            "np.random.seed = lambda *a: None\ndef double(x):\n    return 0"
        },
        real=False,
    ),
)

VALUES = (
    Attack(
        "None",
        "no answer at all",
        {name: f"def {name}(*a):\n    return None" for name in ("double", "solve")},
        real=False,
    ),
    Attack(
        "NaN",
        "a value that is neither less nor greater",
        {"double": "def double(x):\n    return float('nan')", "solve": "def solve(a, b):\n    return b * np.nan"},
        real=False,
    ),
    Attack(
        "a scalar that broadcasts",
        "one number for a whole array",
        {"solve": "def solve(a, b):\n    return 0.1"},
        real=False,
    ),
    Attack(
        "shape (1,)",
        "an array of one element that broadcasts",
        {"double": "def double(x):\n    return np.ones(1)"},
        real=False,
    ),
    Attack(
        "an empty array",
        "no element is wrong where there is none",
        {"solve": "def solve(a, b):\n    return np.empty((0, 2))"},
        real=False,
    ),
    Attack(
        "an array of objects",
        "each element equals everything",
        {
            "solve": "class Same:\n    __eq__ = lambda s, o: True\n    __sub__ = __rsub__ = lambda s, o: 0.0\n"
            "    __abs__ = lambda s: 0.0\n    __float__ = lambda s: 0.1\n"
            "def solve(a, b):\n    return np.array([Same(), Same()], dtype=object)"
        },
        real=False,
    ),
    Attack(
        "a masked array",
        "all that is wrong is masked",
        {"solve": "def solve(a, b):\n    return np.ma.masked_all(2)"},
        real=False,
    ),
    Attack(
        "a truth value of 2",
        "a byte of a boolean array that is neither 0 nor 1",
        {"double": "def double(x):\n    return np.frombuffer(bytes([2]), np.bool_)[0]"},
        real=False,
    ),
    Attack(
        "a list that holds itself",
        "comparison never ends",
        {"last": "def last(items):\n    a = []\n    a.append(a)\n    return a"},
        real=False,
    ),
    Attack(
        "a dict that holds itself",
        "comparison never ends",
        {"count": "def count(text):\n    d = {}\n    d['a'] = d\n    return d"},
        real=False,
    ),
    Attack(
        "ten thousand levels deep",
        "the C stack of whoever compares or encodes it",
        {"last": "def last(items):\n    a = 3\n    for _ in range(10_000):\n        a = [a]\n    return a"},
        real=False,
    ),
    Attack(
        "an endless iterator",
        "a test that iterates never ends",
        {
            "count": "import itertools\nclass Endless:\n    __iter__ = lambda self: itertools.repeat(1)\n"
            "    items = __iter__\n    __len__ = lambda self: 3\n    __eq__ = lambda self, other: True\n"
            "def count(text):\n    return Endless()"
        },
        real=False,
    ),
    Attack(
        "a huge array",
        "more than the judge may be sent",
        {"double": "def double(x):\n    return np.zeros(5_000_000)"},
        real=False,
    ),
    Attack(
        "ten gigabytes",
        "more memory than the machine may have, in one answer",
        {"double": "def double(x):\n    return np.zeros(10 << 27)"},
        real=False,
    ),
    Attack(
        "ten gigabytes in eight bytes",
        "a view that repeats one number a thousand million times",
        {"double": "def double(x):\n    return np.broadcast_to(0.0, (10 << 27,))"},
        real=False,
    ),
    Attack(
        "a huge empty shape",
        "an array without elements and with a terabyte of columns",
        {"double": "def double(x):\n    return np.empty((0, 1 << 40))"},
        real=False,
    ),
    Attack(
        "a huge number",
        "an integer of eight million bits",
        {"double": "def double(x):\n    return 1 << 8_000_000"},
        real=False,
    ),
    Attack(
        "a number too large for a float",
        "an OverflowError in whoever converts it",
        {"double": "def double(x):\n    return 10 ** 400"},
        real=False,
    ),
    Attack(
        "StopIteration",
        "`all(...)` and `zip(...)` of a test end early and hold",
        {"last": "def last(items):\n    raise StopIteration"},
        real=False,
    ),
    Attack(
        "an exception that looks like success",
        "SystemExit(0), GeneratorExit, KeyboardInterrupt",
        {
            "double": "import sys\ndef double(x):\n    sys.exit(0)",
            "solve": "def solve(a, b):\n    raise GeneratorExit",
            "count": "def count(text):\n    raise KeyboardInterrupt",
        },
        real=False,
    ),
)

ALL = (*OBJECTS, *PATCHES, *VALUES)
