"""cudnn_device.py OUT [DESCRIPTION]: writes cuDNN's own description of card 0, in the form of tests/cudnn_support/h100.json:
what a machine without the card can ask cuDNN about it with. With a description instead of the card: reads and rewrites that."""
import ctypes
import json
import os
import sys

from machine import library_folders
from runner import write_json

# Of cudnn_graph.h.
DEVICEPROP, DEVICE_ID, JSON = 38, 2700, 2702
TYPE_CHAR, TYPE_INT32 = 24, 23
MOST = 1 << 16


def library():
    for folder in library_folders():
        path = os.path.join(folder, "libcudnn.so.9")
        if os.path.exists(path):
            return ctypes.CDLL(path), path
    return ctypes.CDLL("libcudnn.so.9"), "libcudnn.so.9"


def main():
    cudnn, path = library()

    def call(name, *arguments):
        status = getattr(cudnn, name)(*arguments)
        if status != 0:
            cudnn.cudnnGetErrorString.restype = ctypes.c_char_p
            sys.exit(f"{name}: {cudnn.cudnnGetErrorString(status).decode()}")
    device, count = ctypes.c_void_p(), ctypes.c_int64()
    call("cudnnBackendCreateDescriptor", DEVICEPROP, ctypes.byref(device))
    if len(sys.argv) > 2:
        with open(sys.argv[2], "rb") as f:
            text = f.read()
        call("cudnnBackendSetAttribute", device, JSON, TYPE_CHAR, ctypes.c_int64(len(text)), text)
    else:
        number = ctypes.c_int32(0)
        call("cudnnBackendSetAttribute", device, DEVICE_ID, TYPE_INT32, ctypes.c_int64(1), ctypes.byref(number))
    call("cudnnBackendFinalize", device)
    text = ctypes.create_string_buffer(MOST)
    call("cudnnBackendGetAttribute", device, JSON, TYPE_CHAR, ctypes.c_int64(MOST), ctypes.byref(count), text)
    described = json.loads(text.raw[:count.value].rstrip(b"\0"))
    write_json(sys.argv[1], described)
    print(f"{described['deviceName']}, by cuDNN {cudnn.cudnnGetVersion()} of {path}")


if __name__ == "__main__":
    main()
