#!/usr/bin/env python3
"""Writes pickles as NumPy and PyTorch do, without either: tests/pickles.py cifar|cifar_errors|weights, into this folder."""
import collections
import io
import os
import pickle
import struct
import sys
import types
import zipfile


def function(module, name):
    """A function that a pickle calls by that name."""
    def f(*_):
        pass
    f.__module__, f.__name__, f.__qualname__ = module, name, name
    sys.modules.setdefault(module, types.ModuleType(module)).__dict__[name] = f
    return f


def kind(module, name):
    """The same, a class."""
    made = type(name, (), {"__module__": module})
    sys.modules.setdefault(module, types.ModuleType(module)).__dict__[name] = made
    return made


class Call:
    """What a pickle makes by calling `f`, and then perhaps gives a state."""

    def __init__(self, f, arguments, state=None):
        self.reduced = (f, arguments) if state is None else (f, arguments, state)

    def __reduce__(self):
        return self.reduced


CODES = {"u1": "B", "i8": "q", "f4": "f"}
reconstruct, ndarray, dtype = (function("numpy.core.multiarray", "_reconstruct"), kind("numpy", "ndarray"),
                               kind("numpy", "dtype"))
frombuffer = function("numpy.core.numeric", "_frombuffer")


def dtype_of(code):
    return Call(dtype, (code, 0, 1), (3, "|" if code == "u1" else "<", None, None, None, -1, -1, 0))


def array(values, shape, code="u1", fortran=False):
    data = struct.pack(f"<{len(values)}{CODES[code]}", *values)
    return Call(reconstruct, (ndarray, (0,), b"b"), (1, shape, dtype_of(code), fortran, data))


PIXELS = [[(3 * p + c + n) % 256 for c in range(3) for p in range(1024)] for n in range(2)]
ROWS = PIXELS[0] + PIXELS[1]
COLUMNS = [PIXELS[n][i] for i in range(3072) for n in range(2)]


# The published form: what Python 2 wrote, whose text is bytes.
PYTHON2 = (b"\x80\x02}(U\4datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\1b\x87R(K\1K\2M\0\x0c\x86"
           b"cnumpy\ndtype\nU\2u1K\0K\1\x87R(K\3U\1|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89T\0\x18\0\0" +
           bytes(ROWS) + b"tbU\6labels](K\7K\1eu.")


def batches(folder, batch, protocol=2):
    os.makedirs(folder)
    for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
        with open(f"{folder}/{name}", "wb") as f:
            f.write(batch if isinstance(batch, bytes) else pickle.dumps(batch, protocol))


def cifar():
    batches("published", PYTHON2)
    batches("columns", {"data": array(COLUMNS, (2, 3072), fortran=True), "labels": [7, 1]})
    batches("array_labels", {"data": array(ROWS, (2, 3, 32, 32)), "labels": array([7, 1], (2,), "i8")})
    batches("protocol5", {"data": Call(frombuffer, (bytearray(ROWS), dtype_of("u1"), (2, 3072), "C")), "labels": [7, 1]}, 5)


def cifar_errors():
    good = array(ROWS, (2, 3072))
    batches("system", {"data": Call(os.system, ("true",)), "labels": [7, 1]})
    batches("label", {"data": good, "labels": [10, 1]})
    batches("transposed", {"data": array(COLUMNS, (3072, 2)), "labels": [7, 1]})
    batches("floats", {"data": array(ROWS, (2, 3072), "f4"), "labels": [7, 1]})
    batches("no_labels", {"data": good})
    batches("truncated", {"data": good, "labels": [7, 1]})
    for name in os.listdir("truncated"):
        os.truncate(f"truncated/{name}", 500)
    os.makedirs("empty")


rebuild = function("torch._utils", "_rebuild_tensor_v2")
FLOATS, LONGS = kind("torch", "FloatStorage"), kind("torch", "LongStorage")


class Storage:
    def __init__(self, of, key, values, code):
        self.of, self.key, self.count = of, key, len(values)
        self.data = struct.pack(f"<{len(values)}{code}", *values)


class Pickler(pickle.Pickler):
    def __init__(self, file, more):
        super().__init__(file, 2)
        self.more = more

    def persistent_id(self, saved):
        return ("storage", saved.of, saved.key, "cpu", saved.count) + self.more if isinstance(saved, Storage) else None


def dumped(value, more=()):
    out = io.BytesIO()
    Pickler(out, more).dump(value)
    return out.getvalue()


def tensor(storage, offset, shape, stride):
    return Call(rebuild, (storage, offset, shape, stride, False, collections.OrderedDict()))


def weights():
    a, n = Storage(FLOATS, "0", [1, 2, 3, 4, 5, 6], "f"), Storage(LONGS, "1", [7], "q")
    state = collections.OrderedDict([("module.w", tensor(a, 0, (2, 3), (3, 1))), ("module.t", tensor(a, 0, (3, 2), (1, 3))),
                                     ("module.n", tensor(n, 0, (), ()))])

    def save(path, value):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", dumped(value))
            for s in (a, n):
                archive.writestr("archive/data/" + s.key, s.data)

    save("plain.pth", state)
    save("nested.pth", {"state_dict": state, "epoch": 3, "optimizer": {"state": {0: {"m": tensor(a, 0, (6,), (1,))}}},
                        "best": types.SimpleNamespace(a=1)})
    save("two.pth", {"model": state, "ema": state, "deep": {"er": state}})
    save("module.pth", kind("net", "Net")())
    with open("legacy.pth", "wb") as f:
        for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
            pickle.dump(value, f, 2)
        f.write(dumped(state, (None,)))
        pickle.dump(["1", "0"], f, 2)
        for s in (n, a):
            f.write(struct.pack("<q", s.count) + s.data)
    a.data = a.data[:20]
    save("short.pth", state)


{"cifar": cifar, "cifar_errors": cifar_errors, "weights": weights}[sys.argv[1]]()
