"""The pinned requirements (``requirements/*.txt``) as the set-up reads them; ``tools/lock.py`` writes them.

``# megabytes linux-x86_64 154`` says what that platform downloads; a platform that isn't named can't use the file.
``# imports av cv2 …`` says what has to be importable once all is installed.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass

from tagger.errors import SetupError


@dataclass(frozen=True, slots=True)
class Requirements:
    """One file. ``megabytes`` by platform; ``digest`` tells its contents from any other's."""

    path: str
    digest: str
    megabytes: dict[str, int]
    imports: tuple[str, ...]
    packages: int


def read(root: str, plan: str) -> Requirements:
    """The file of this plan (``"cpu"``, ``"gpu"`` …). Raises SetupError when the plugin's folder is incomplete."""
    path = os.path.join(root, "requirements", f"{plan}.txt")
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as e:
        raise SetupError(f"{path} can't be read ({e.strerror}): install the plugin again.") from None
    imports = re.search(r"^# imports (.*)$", text, re.MULTILINE)
    return Requirements(
        path=path,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        megabytes={name: int(size) for name, size in re.findall(r"^# megabytes (\S+) (\d+)$", text, re.MULTILINE)},
        imports=tuple(imports[1].split()) if imports else (),
        packages=len(set(re.findall(r"^([\w.-]+)==", text, re.MULTILINE))),
    )
