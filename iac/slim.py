"""What of an installed package a function never reads: tests, headers, stubs, and parts that nothing here uses."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

FOLDERS = frozenset({"tests", "test", "include", "includes", "bin", "__pycache__", "src"})
SUFFIXES = frozenset({".a", ".c", ".cc", ".cmake", ".cpp", ".f90", ".h", ".hpp", ".pc", ".pxd", ".pxi", ".pyi", ".pyx"})
OF_ONE_MACHINE = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})

UNUSED = re.compile(
    r"""
      onnxruntime/(transformers|tools|quantization|datasets)/.*
    | onnxruntime/capi/libonnxruntime\.so.*               # the C library: Python has its own copy
    | pyarrow/_(flight|s3fs|pyarrow_cpp_tests)\.cpython-.*
    | pyarrow/lib(arrow_flight|arrow_python_flight|arrow_s3)\.so.*
    | duckdb/(experimental|query_graph)/.*
    | adbc_driver_duckdb/.*
    | pyarrow/libarrow_python\w*\.so(\.\d+\.\d+\.\d+)?    # two more names of one library
    | numpy/(_pyinstaller|distutils)/.*                   # for those who build with numpy
    | yaml/_yaml\.cpython-.*                              # the C parser, which SafeLoader does without
    | numpy/_core/_simd\.cpython-.*                       # for numpy's own tests
    """,
    re.VERBOSE,
)

WITHOUT_SKLEARN = re.compile(
    r"scipy/(cluster|constants|datasets|differentiate|fft|fftpack|integrate|interpolate|io|misc|ndimage|odr|optimize"
    r"|signal|sparse|spatial|stats)/.*"
)
"""Of scipy, `scipy.special` is all that Tidemill itself uses: the distributions' functions."""

WITHOUT_SCIPY = re.compile(r"numpy/f2py/.*")
"""For those who build with numpy too, but scipy imports everything that numpy has."""


def is_needed(name: str) -> bool:
    """Whether a file is worth its place in an archive; `name` is its path below site-packages."""
    path = PurePosixPath(name)
    if FOLDERS & set(path.parts[:-1]) or path.suffix in SUFFIXES or path.name in OF_ONE_MACHINE:
        return False
    return UNUSED.fullmatch(name) is None


def needed(folder: Path) -> dict[str, Path]:
    """Every file below `folder` that is needed, by its name there."""
    files = ((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
    found = {name: path for name, path in files if is_needed(name)}
    for library, unused in (("sklearn", WITHOUT_SKLEARN), ("scipy", WITHOUT_SCIPY)):
        if not (folder / library).is_dir():
            found = {name: path for name, path in found.items() if not unused.fullmatch(name)}
    return found
