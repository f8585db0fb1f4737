"""Which onnxruntime suits which machine, from facts as values."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagger.light import machine, requirements
from tagger.light.data import data_folder
from tagger.light.machine import Machine, choose
from tests.entry.installed import ROOT

H100 = {"cuda": 13000, "compute": 90, "gpu": "NVIDIA H100"}
ALPINE = frozenset({"cv2", "numpy", "onnxruntime"})
PLANS = ("cpu", "gpu", "gpu12", "openvino", "directml")


def _choose(facts: Machine, device: str = "") -> machine.Plan:
    available = {plan: facts.platform in requirements.read(str(ROOT), plan).megabytes for plan in PLANS}
    return choose(facts, device, available)


@pytest.mark.parametrize(
    ("facts", "device", "plan"),
    [
        (Machine("linux-x86_64"), "", "cpu"),
        (Machine("linux-aarch64"), "auto", "cpu"),
        (Machine("linux-x86_64", **H100), "auto", "gpu"),  # type: ignore[arg-type]
        (Machine("linux-x86_64", **H100), "cpu", "cpu"),  # type: ignore[arg-type]
        (Machine("linux-x86_64", cuda=12040, compute=90, gpu="A driver of CUDA 12"), "", "gpu12"),
        (Machine("linux-x86_64", cuda=13000, compute=61, gpu="A Pascal card"), "", "gpu12"),
        (Machine("linux-x86_64", intel=True), "", "openvino"),
        (Machine("linux-x86_64", intel=True, **H100), "", "gpu"),  # type: ignore[arg-type]
        (Machine("linux-x86_64"), "openvino", "openvino"),
        (Machine("linux-x86_64", gpu_problem="the driver sees no GPU"), "", "cpu"),
        (Machine("windows-x86_64"), "", "directml"),
        (Machine("windows-x86_64", **H100), "", "gpu"),  # type: ignore[arg-type]
        (Machine("windows-x86_64", cuda=12040, compute=61, gpu="An old card"), "", "directml"),
        (Machine("darwin-arm64"), "", "cpu"),
        (Machine("darwin-x86_64"), "coreml", "cpu"),
        (Machine("musl-x86_64", system_modules=ALPINE), "", "musl"),
    ],
)
def test_the_plan(facts: Machine, device: str, plan: str) -> None:
    chosen = _choose(facts, device)
    assert (chosen.name, chosen.missing) == (plan, "")
    assert chosen.system_site_packages == (plan == "musl")


@pytest.mark.parametrize(
    ("facts", "device", "said"),
    [
        (Machine("musl-x86_64", system_modules=frozenset({"numpy"})), "", "apk add py3-onnxruntime py3-opencv"),
        (Machine("musl-x86_64", system_modules=ALPINE), "cuda", "can't use cuda"),
        (Machine("linux-x86_64"), "cuda", "none was found"),
        (Machine("linux-x86_64", gpu_problem="its driver crashes"), "cuda", "its driver crashes"),
        (Machine("linux-x86_64"), "directml", "directml"),
        (Machine("linux-x86_64"), "coreml", "only on a Mac"),
        (Machine("linux-riscv64"), "", "--stash URL"),
    ],
)
def test_what_a_person_has_to_do_first(facts: Machine, device: str, said: str) -> None:
    assert said in _choose(facts, device).missing


def test_this_machine_can_be_looked_at() -> None:
    facts = machine.look()
    assert facts.platform.count("-") == 1
    assert bool(facts.cuda) == bool(facts.compute)


@pytest.mark.parametrize("plan", [*PLANS, "musl"])
def test_every_package_is_pinned_with_its_hash(plan: str) -> None:
    read = requirements.read(str(ROOT), plan)
    text = Path(read.path).read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and line[0] != "#"]
    assert len(lines) >= read.packages > 5
    assert all("==" in line and "--hash=sha256:" in line and "://" not in line for line in lines)
    assert read.megabytes and "onnxruntime" in read.imports


def test_the_data_folder() -> None:
    assert data_folder("/mine", "/stash", {"AI_TAGGER_DATA": "/env"}) == "/mine"
    assert data_folder("", "/stash", {"AI_TAGGER_DATA": "/env"}) == "/env"
    assert data_folder("", "/stash", {}) == "/stash/ai_tagger"
    assert data_folder("", "", {"XDG_DATA_HOME": "/home/me/share", "LOCALAPPDATA": "/home/me/share"}).endswith(
        "ai_tagger"
    )
