"""Which devices onnxruntime can use here, and why not."""

from __future__ import annotations

import ctypes
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

import onnxruntime as ort

Device: TypeAlias = Literal["auto", "cpu", "cuda", "openvino", "directml", "coreml"]

PROVIDERS: Final[dict[Device, str]] = {
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cpu": "CPUExecutionProvider",
}

# A hand-made model of one node (y = Relu(x), x float[1]): enough for a provider to load its libraries or fail.
_TINY = bytes.fromhex(
    "0807"  # ir_version 7
    "3a2b"  # graph
    "0a0c0a0178120179220452656c75"  # node: x → Relu → y
    "120174"  # name
    "5a0b0a017812060a0408011200"  # input x: float
    "620b0a017912060a0408011200"  # output y: float
    "42040a00100d"  # opset 13
)


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """One device: whether a model can run on it, and if not, why, in one sentence for a person."""

    name: Device
    usable: bool
    reason: str = ""


def probe_devices() -> list[DeviceReport]:
    """Every device that is here or that onnxruntime was built for, best first; the CPU last, always."""
    available = set(ort.get_available_providers())
    reports = []
    for device, provider in PROVIDERS.items():
        if provider in available or (device == "cuda" and nvidia_gpu_present()):
            reason = why_unusable(device)
            reports.append(DeviceReport(device, reason is None, reason or ""))
    return reports


def choose_device() -> Device:
    """The best device that works here."""
    return next(report.name for report in probe_devices() if report.usable)


def nvidia_gpu_present() -> bool:
    """Whether the system shows an NVIDIA GPU, whatever Python packages are installed."""
    return Path("/dev/nvidia0").exists() or Path("/dev/dxg").exists() or shutil.which("nvidia-smi") is not None


def why_unusable(device: Device) -> str | None:
    """None when a tiny model runs on ``device``, else the reason in one sentence."""
    if device == "cpu":
        return None
    provider = PROVIDERS[device]
    if provider not in ort.get_available_providers():
        return f"the installed onnxruntime {ort.__version__} has no {provider}; run Set up again with device: {device}."
    if device == "cuda" and hasattr(ort, "preload_dlls"):
        # CUDA's libraries from their pip packages are not on the loader's path.
        ort.preload_dlls()
    options = ort.SessionOptions()
    options.log_severity_level = 4  # the reason is told below, in words
    try:
        session = ort.InferenceSession(_TINY, sess_options=options, providers=[provider, "CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - onnxruntime's exceptions have no common base of their own
        return f"{provider} failed: {' '.join(str(error).split())[:300]}"
    if provider in session.get_providers():
        return None
    return _missing_library(device) or f"{provider} could not start; its driver or libraries don't fit this machine."


def _missing_library(device: Device) -> str | None:
    """What the system's loader says of the provider's own library: onnxruntime only logs it."""
    names = {"linux": f"libonnxruntime_providers_{device}.so", "win32": f"onnxruntime_providers_{device}.dll"}
    library = Path(ort.__file__).parent / "capi" / names.get(sys.platform, "")
    if not library.is_file():
        return None
    try:
        ctypes.CDLL(str(library))
    except OSError as error:
        return f"a library is missing or doesn't fit: {' '.join(str(error).split())[:300]}"
    return None
