"""Ours, called on the same memory as the others: ctypes over benchmarks/compare_library.h."""

import ctypes

import numpy as np

ERROR_BYTES = 256


def load(path):
    library = ctypes.CDLL(path)
    handle = ctypes.c_void_p
    library.gradmint_compare_open.restype = handle
    library.gradmint_compare_open.argtypes = [
        ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_int,
        ctypes.c_char_p]
    library.gradmint_compare_close.argtypes = [handle]
    library.gradmint_compare_backend.restype = ctypes.c_char_p
    library.gradmint_compare_backend.argtypes = [handle]
    library.gradmint_compare_scan.argtypes = [handle, ctypes.c_char_p]
    library.gradmint_compare_run.argtypes = [handle, ctypes.c_char_p, ctypes.c_char_p]
    for name, kind in (("aggregate", ctypes.c_float), ("selected", ctypes.c_uint8)):
        function = getattr(library, "gradmint_compare_" + name)
        function.restype = ctypes.POINTER(kind)
        function.argtypes = [handle]
    return library


class Ours:
    """The kernels over the rows of `updates` (n x size, fp32, contiguous), with integer weights."""

    def __init__(self, library, updates, weights, threads):
        assert updates.dtype == np.float32 and updates.flags["C_CONTIGUOUS"]
        self._library = library
        self._updates = updates  # the library reads this memory
        self._error = ctypes.create_string_buffer(ERROR_BYTES)
        rows = (ctypes.c_void_p * len(updates))(*(row.ctypes.data for row in updates))
        chosen = np.asarray(weights, dtype=np.uint32)
        self._handle = library.gradmint_compare_open(
            rows, chosen.ctypes.data, updates.shape[0], updates.shape[1], threads, self._error)
        if not self._handle:
            raise RuntimeError(self._error.value.decode())
        self.backend = library.gradmint_compare_backend(self._handle).decode()
        self.scan()

    def close(self):
        self._library.gradmint_compare_close(self._handle)
        self._handle = None

    def scan(self):
        if self._library.gradmint_compare_scan(self._handle, self._error):
            raise RuntimeError(self._error.value.decode())

    def run(self, rule):
        if self._library.gradmint_compare_run(self._handle, rule.encode(), self._error):
            raise RuntimeError(self._error.value.decode())
        result = self._library.gradmint_compare_aggregate(self._handle)
        return np.ctypeslib.as_array(result, (self._updates.shape[1],))
