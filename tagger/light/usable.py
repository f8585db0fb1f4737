"""Whether there is a Python that the heavy half can run on as things are. A page asks, so little is imported here."""

from __future__ import annotations

from tagger.errors import SetupError
from tagger.light import environment, requirements
from tagger.light.processes import ask

NEEDS = (3, 11)


def usable_python(data: str, root: str) -> str:
    """The interpreter that the heavy half can run on as things are, or "" when a set-up has to come first."""
    given = environment.given_python(data)
    if given:
        return given if version_of(given) >= NEEDS else ""
    folder = environment.environment_folder(data)
    return environment.python_in(folder) if is_complete(folder, root) else ""


def is_complete(folder: str, root: str) -> bool:
    """Whether the environment is whole, of this version's requirements, and its Python still the one it was made with
    (an update of the system, or of the container, takes that away)."""
    made = environment.marker(folder)
    if not made:
        return False
    try:
        current = requirements.read(root, str(made.get("plan"))).digest
    except SetupError:
        return False
    return made.get("requirements") == current and version_of(environment.python_in(folder)) == tuple(made["python"])


def version_of(python: str) -> tuple[int, ...]:
    """Its major and minor version; () when it doesn't start."""
    _, out, _ = ask([python, "-I", "-S", "-c", "import sys; print(*sys.version_info[:2])"], timeout_s=60)
    return tuple(int(part) for part in out.split() if part.isdigit())
