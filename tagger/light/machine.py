"""What this machine is, and which onnxruntime suits it.

Looking (:func:`look`) and choosing (:func:`choose`) are apart: the choice is a pure function of facts.
"""

from __future__ import annotations

import glob
import os
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tagger.light.processes import ask

DEVICES = ("auto", "cpu", "cuda", "openvino", "directml", "coreml")

_ALPINE = ("cv2", "numpy", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Machine:
    """Facts. ``platform`` is ``"linux-x86_64"``, ``"musl-…"``, ``"darwin-arm64"``, ``"windows-x86_64"`` …

    ``cuda``: the newest CUDA that the NVIDIA driver speaks (13000 = 13.0; 0 = no usable GPU), ``compute`` the GPU's
    capability (75 = 7.5), ``gpu`` its name, ``gpu_problem`` why one that is there can't be used ("" = none or fine).
    ``intel``: an Intel GPU with its compute driver. ``system_modules``: which of Alpine's packages the system's Python
    has (only looked for on musl).
    """

    platform: str
    cuda: int = 0
    compute: int = 0
    gpu: str = ""
    gpu_problem: str = ""
    intel: bool = False
    system_modules: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """``name`` is a file in ``requirements/``; ``words`` say what it computes on and why, as a sentence.

    ``missing`` is what a person has to do first, "" when nothing.
    """

    name: str
    words: str
    system_site_packages: bool = False
    missing: str = ""


def choose(machine: Machine, device: str, available: Mapping[str, bool]) -> Plan:
    """The plan for this machine. ``device`` is one of DEVICES ("" = auto); ``available`` says which files suit its
    platform, by plan name."""
    if machine.platform.startswith("musl"):
        return _for_musl(machine, device)
    wanted: Callable[[Machine], Plan] | None
    wanted = {"cpu": _cpu, "coreml": _coreml, "cuda": _cuda, "openvino": _openvino, "directml": _directml}.get(device)
    plan = wanted(machine) if wanted else _by_hardware(machine, available)
    if not plan.missing and not available.get(plan.name, False):
        missing = f"There is no onnxruntime for {plan.name} on {machine.platform}: choose another device, or auto."
        if plan.name == "cpu":
            missing = (
                f"onnxruntime has no package for {machine.platform}: run AI Tagger on another machine (--stash URL)."
            )
        return Plan(plan.name, plan.words, missing=missing)
    return plan


def _by_hardware(machine: Machine, available: Mapping[str, bool]) -> Plan:
    candidates = []
    if machine.cuda:
        candidates.append(_cuda(machine))
    if machine.platform.startswith("darwin"):
        candidates.append(_coreml(machine))
    if machine.platform.startswith("windows"):
        candidates.append(_directml(machine))
    if machine.intel:
        candidates.append(_openvino(machine))
    usable = (plan for plan in candidates if not plan.missing and available.get(plan.name, False))
    return next(usable, _cpu(machine))


def _cpu(_: Machine) -> Plan:
    return Plan("cpu", "computes on the CPU")


def _coreml(machine: Machine) -> Plan:
    missing = "" if machine.platform.startswith("darwin") else "CoreML is only on a Mac: set the device to auto."
    return Plan("cpu", "computes with CoreML, which the Mac's onnxruntime has built in", missing=missing)


def _cuda(machine: Machine) -> Plan:
    """CUDA 13 needs its driver and a GPU from Turing on (7.5); older ones are served by the last CUDA 12 build."""
    name = "gpu" if machine.cuda >= 13000 and machine.compute >= 75 else "gpu12"
    words = f"computes on the GPU ({machine.gpu}) with CUDA {13 if name == 'gpu' else 12}"
    missing = ""
    if not machine.cuda:
        missing = f"No usable NVIDIA GPU ({machine.gpu_problem or 'none was found'}): set the device to auto or cpu."
    return Plan(name, words, missing=missing)


def _openvino(machine: Machine) -> Plan:
    return Plan("openvino", "computes with OpenVINO" + (" on the Intel GPU" if machine.intel else ""))


def _directml(_: Machine) -> Plan:
    return Plan("directml", "computes with DirectML on the graphics card")


def _for_musl(machine: Machine, device: str) -> Plan:
    lacking = [name for name in _ALPINE if name not in machine.system_modules]
    words = "computes on the CPU with Alpine's own onnxruntime and OpenCV"
    missing = ""
    if lacking:
        missing = (
            f"This is Alpine (musl), and its Python lacks {', '.join(lacking)}, which only Alpine has for it: run "
            "`apk add py3-onnxruntime py3-opencv` as root in Stash's container (Alpine 3.23 or newer has them), then "
            "Set up again; or run AI Tagger on another machine with --stash URL."
        )
    elif device not in ("", "auto", "cpu"):
        missing = (
            f"Alpine's onnxruntime can't use {device}: set the device to auto, or run AI Tagger on another machine."
        )
    return Plan("musl", words, system_site_packages=True, missing=missing)


# ---------------------------------------------------------------- looking


def look() -> Machine:
    """The facts of this machine; starts a short process to ask the GPU's driver."""
    name = _platform()
    cuda, compute, gpu, problem = _ask_driver()
    return Machine(
        platform=name,
        cuda=cuda,
        compute=compute,
        gpu=gpu,
        gpu_problem=problem,
        intel=_has_intel(),
        system_modules=_system_modules() if name.startswith("musl") else frozenset(),
    )


def _platform() -> str:
    system = {"win32": "windows"}.get(sys.platform, sys.platform)
    if system == "linux" and (glob.glob("/lib/ld-musl-*") and platform.libc_ver()[0] != "glibc"):
        system = "musl"
    machine = platform.machine().lower()
    machine = {"amd64": "x86_64"}.get(machine, machine)
    if machine == "arm64" and system != "darwin":
        machine = "aarch64"
    return f"{system}-{machine}"


# In a process of its own, since a broken driver can crash or hang whoever loads it.
_DRIVER = """
import ctypes, sys
name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
try:
    cuda = ctypes.CDLL(name)
except OSError:
    sys.exit("its driver library (%s) isn't here" % name)
code = cuda.cuInit(0)
if code:
    text = ctypes.c_char_p()
    cuda.cuGetErrorString(code, ctypes.byref(text))
    sys.exit("the driver says: %s" % (text.value or b"error %d" % code).decode())
version, count, major, minor = (ctypes.c_int() for _ in range(4))
label = ctypes.create_string_buffer(100)
cuda.cuDriverGetVersion(ctypes.byref(version))
cuda.cuDeviceGetCount(ctypes.byref(count))
if not count.value:
    sys.exit("the driver sees no GPU")
cuda.cuDeviceGetName(label, 100, 0)
cuda.cuDeviceGetAttribute(ctypes.byref(major), 75, 0)
cuda.cuDeviceGetAttribute(ctypes.byref(minor), 76, 0)
print(version.value, major.value * 10 + minor.value, label.value.decode())
"""


def _ask_driver() -> tuple[int, int, str, str]:
    """(newest CUDA, compute capability, name, problem); all empty when there is no NVIDIA GPU."""
    if sys.platform == "darwin":
        return 0, 0, "", ""
    code, out, err = ask([sys.executable, "-I", "-S", "-c", _DRIVER], timeout_s=30)
    if code == 0:
        version, compute, gpu = out.strip().split(" ", 2)
        if int(version) < 12000:
            return 0, 0, gpu, f"the driver of the {gpu} is too old for CUDA 12; update it"
        return int(version), int(compute), gpu, ""
    problem = (err.strip().splitlines() or [""])[-1] if code in (1, -1) else f"its driver crashes ({code})"
    # Without a sign of NVIDIA hardware the absence of its driver is nothing to speak of.
    signs = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/nvidia0")
    if not any(os.path.exists(sign) for sign in signs):
        return 0, 0, "", ""
    if not os.path.exists("/dev/nvidiactl"):
        problem += " (a container has to be given the GPU: --gpus all, or the NVIDIA runtime)"
    return 0, 0, "", problem


def _has_intel() -> bool:
    """An Intel GPU that OpenVINO can use: its device, and the compute driver that most systems lack."""
    drivers = ["/etc/OpenCL/vendors/intel*.icd", "/usr/lib*/libze_intel_gpu.so*", "/usr/lib/*/libze_intel_gpu.so*"]
    if not any(glob.glob(pattern) for pattern in drivers):
        return False
    for vendor in glob.glob("/sys/class/drm/renderD*/device/vendor"):
        try:
            with open(vendor, encoding="ascii") as file:
                if file.read().strip() == "0x8086":
                    return True
        except OSError:
            continue
    return False


def _system_modules() -> frozenset[str]:
    # Asked of a Python with its site packages, which ours was started without.
    code = f"import importlib.util as u; print(*[m for m in {_ALPINE!r} if u.find_spec(m)])"
    return frozenset(ask([sys.executable, "-I", "-c", code])[1].split())
