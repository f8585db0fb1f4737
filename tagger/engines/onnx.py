"""onnxruntime behind the Engine seam, on the device that was asked for and on no other."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnxruntime as ort

from tagger.engines.devices import PROVIDERS, Device, choose_device, why_unusable
from tagger.errors import EngineError

if TYPE_CHECKING:
    from tagger.ports import Tensor

_QUIET = 3  # onnxruntime's log severity: errors only; its warnings speak to model authors


class OnnxEngine:
    """One ONNX model, loaded. ``infer`` may be called from several threads.

    ``device`` ``auto`` takes the best that works here. Any other is used or refused: a GPU that can't be used is never
    quietly replaced by the CPU. ``threads`` is per call (two engines of one thread beat one of two); 0 = all cores.
    ``arena`` keeps scratch memory between calls: a sixth faster on a CPU for some ten megabytes a frame of the batch.
    Raises EngineError when the model can't be loaded there.
    """

    def __init__(self, model: Path | bytes, device: Device = "auto", threads: int = 1, *, arena: bool = True) -> None:
        self.device: Device = choose_device() if device == "auto" else device
        provider = PROVIDERS[self.device]
        if (reason := why_unusable(self.device)) is not None:
            raise EngineError(f"The device {self.device} can't be used: {reason}")
        self._name = model.name if isinstance(model, Path) else "a model"
        try:
            self._session = ort.InferenceSession(
                str(model) if isinstance(model, Path) else model,
                sess_options=_options(self.device, threads, arena),
                providers=[provider] if self.device == "cpu" else [provider, "CPUExecutionProvider"],
            )
        except Exception as error:
            raise EngineError(f"{self._name} can't be loaded on {self.device}: {_one_line(error)}") from error
        if provider not in self._session.get_providers():
            raise EngineError(f"{self._name} can't be loaded on {self.device}: onnxruntime fell back to the CPU.")
        self._first_input = self._session.get_inputs()[0].name
        self._outputs = tuple(output.name for output in self._session.get_outputs())
        # DirectML sessions must not run concurrently.
        self._turn = threading.Lock() if self.device == "directml" else nullcontext()

    @property
    def shapes(self) -> dict[str, str]:
        """Every input and output with its type and shape, for a person."""
        sides: Sequence[Any] = (*self._session.get_inputs(), *self._session.get_outputs())
        return {node.name: f"{node.type} {list(node.shape)}" for node in sides}

    def infer(self, feeds: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """All outputs by name; a feed named "" is the model's first input. Raises EngineError."""
        named = {name or self._first_input: tensor for name, tensor in feeds.items()}
        try:
            with self._turn:
                results = self._session.run(None, named)
        except Exception as error:
            raise EngineError(f"{self._name} failed on {self.device}: {_one_line(error)}") from error
        return dict(zip(self._outputs, results, strict=True))


def _options(device: Device, threads: int, arena: bool) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _QUIET
    options.enable_cpu_mem_arena = arena
    if arena and device == "cpu" and _shared_arena():
        options.add_session_config_entry("session.use_env_allocators", "1")
    # Patterns plan one big block for each input shape; without an arena they only cost, and DirectML forbids them.
    options.enable_mem_pattern = arena and device != "directml"
    # Spinning threads burn the core that decoding needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options


@cache
def _shared_arena() -> bool:
    """One scratch memory for all models of this process, which grows by what is asked for: 30 MB less for the starter
    set than one for each, rounded up to powers of two. False where this onnxruntime doesn't have it."""
    try:
        grows_as_asked = {"max_mem": 0, "arena_extend_strategy": 1, "initial_chunk_size_bytes": -1}
        there = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
        ort.create_and_register_allocator(there, ort.OrtArenaCfg(grows_as_asked | {"max_dead_bytes_per_chunk": -1}))
    except Exception:  # noqa: BLE001 - saves memory where it works, and nothing else hangs on it
        return False
    return True


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:400]
