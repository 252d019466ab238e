"""The agent's own tests on an emulated ARM64: `python -m tests.edge.arm64 [pytest's arguments…]`, on Debian, as root.

Debian's Python for ARM64 runs in QEMU's user mode with the wheels that a device has, as a Cortex-A72 (Raspberry Pi 4).
Everything is put into build/arm64; nothing of the machine is changed. It is some ten times as slow as the machine is.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "arm64"
SYSTEM, PACKAGES, QEMU = BUILD / "system", BUILD / "packages", BUILD / "qemu"
PYTHON = BUILD / "python"

EMULATOR = "qemu-user-static"
DEBIAN = (
    *("python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "libc6", "libgcc-s1", "libstdc++6"),
    *("zlib1g", "libssl3", "libffi8", "libexpat1", "libsqlite3-0", "liblzma5", "libbz2-1.0", "libuuid1"),
)
ON_A_DEVICE = ("numpy", "onnxruntime", "msgspec", "cryptography", "cffi", "pycparser")
FOR_TESTS = ("onnx", "ml_dtypes", "protobuf", "hypothesis", "psutil", "pandas", "scikit-learn", "scipy", "pyarrow")
"""Compiled ones; what is not compiled is taken from this environment."""
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux2014_aarch64", "manylinux_2_17_aarch64")

SUITE = (
    *(f"tests/unit/edge/{name}" for name in ("test_signing.py", "test_trust.py", "test_rollout.py")),
    *(f"tests/unit/edge/{name}" for name in ("agent", "runtime", "telemetry")),
)
CORTEX_A72 = """processor\t: {number}
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

"""
"""Of /proc/cpuinfo: onnxruntime reads it, and QEMU would show it that of the machine."""


def main(arguments: Sequence[str]) -> int:
    """Make the system once, and run the tests; the exit code is pytest's."""
    if not PYTHON.exists():
        _make_system()
    command = [str(PYTHON), "-m", "pytest", "-p", "no:cacheprovider", *(arguments or SUITE)]
    return subprocess.run(command, cwd=ROOT, env=_environment(), check=False).returncode


def _make_system() -> None:
    for folder in (SYSTEM / "proc", PACKAGES, QEMU):
        folder.mkdir(parents=True, exist_ok=True)
    _debian(QEMU, [EMULATOR], [])
    _debian(SYSTEM, DEBIAN, _apt_for_arm64())
    _wheels(ON_A_DEVICE + FOR_TESTS)
    (SYSTEM / "proc" / "cpuinfo").write_text("".join(CORTEX_A72.format(number=number) for number in range(2)))
    PYTHON.write_text(
        f"#!/bin/sh\nexec {QEMU}/usr/bin/qemu-aarch64-static -cpu cortex-a72 -0 {PYTHON} -L {SYSTEM} "
        f'-E PYTHONHOME={SYSTEM}/usr {SYSTEM}/usr/bin/python3.11 "$@"\n'
    )
    PYTHON.chmod(0o755)


def _apt_for_arm64() -> list[str]:
    """Options that make apt look at ARM64's packages, with lists of its own."""
    lists, cache = BUILD / "apt" / "state", BUILD / "apt" / "cache"
    for folder in (lists / "lists" / "partial", cache / "archives" / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "Dir::State": lists,
        "Dir::Cache": cache,
        "Dir::State::status": "/dev/null",
        "APT::Architecture": "arm64",
        "APT::Architectures::": "arm64",
        "APT::Sandbox::User": "root",
    }
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    subprocess.run(["apt-get", "-qq", *options, "update"], check=True)
    return options


def _debian(target: Path, names: Iterable[str], options: Iterable[str]) -> None:
    """Unpack packages, without installing them."""
    downloads = target.with_name(f"{target.name}-packages")
    downloads.mkdir(exist_ok=True)
    command = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", *options, "download", *names]
    subprocess.run(command, cwd=downloads, check=True)
    for package in downloads.glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(package), str(target)], check=True)


def _wheels(names: Iterable[str]) -> None:
    """Install the versions that are installed here, for ARM64."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--python-version", "3.11", "--implementation", "cp", "--target", str(PACKAGES)]
    command += [word for platform in PLATFORMS for word in ("--platform", platform)]
    subprocess.run([*command, *(f"{name}=={version(name)}" for name in names)], check=True)


def _environment() -> dict[str, str]:
    """What is compiled for ARM64 comes first, then this project, then what is not compiled."""
    here = next(path for path in sys.path if re.search(r"site-packages$", path))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    places = os.pathsep.join([str(PACKAGES), str(ROOT), here])
    settings = {"PYTHONPATH": places, "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return {**kept, **settings, "OPENBLAS_NUM_THREADS": "1"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
