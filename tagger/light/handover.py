"""Handing over to the Python that runs the heavy half.

Where the system has it, by ``exec``: the process that Stash started, and will kill, becomes the worker itself. Stash's
input holds the session: it goes on by a pipe, never as an argument, in the environment or in a file.
"""

from __future__ import annotations

import os
import sys

from tagger.errors import SetupError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

PLUGIN_ARGUMENT = "--as-plugin"
"""The heavy half's only argument when Stash's input is on stdin."""


def hand_over(python: str, root: str, arguments: Sequence[str], payload: bytes | None) -> int:
    """Run ``<root>/tagger/__main__.py`` on ``python``. Doesn't return where there is ``exec``; else its exit code.

    ``payload`` becomes its stdin; None leaves it ours. Raises SetupError when ``python`` can't be started.
    """
    # -I: nobody's PYTHONPATH or user packages. UTF-8 whatever the console says: stdout carries JSON.
    command = [python, "-I", "-X", "utf8", os.path.join(root, "tagger", "__main__.py"), *arguments]
    try:
        if sys.platform == "win32":
            return _run_tied(command, payload)
        if payload is not None:
            _give_as_stdin(payload)
        os.execv(python, command)  # noqa: S606
    except OSError as e:
        raise SetupError(
            f"The Python at {python} can't be started ({e.strerror}): run 'Set up', or correct the path that names it."
        ) from None


if sys.platform == "win32":

    def _run_tied(command: list[str], payload: bytes | None) -> int:
        """Run and wait; the child dies with us, since Stash kills only the process that it started."""
        import contextlib
        import subprocess

        tie_children_to_us()
        child = subprocess.Popen(command, stdin=None if payload is None else subprocess.PIPE)
        if child.stdin is not None:
            with contextlib.suppress(OSError):
                child.stdin.write(payload or b"")
                child.stdin.close()
        while True:
            # Ctrl-C reaches the child as well, and it is the child that ends in good order.
            with contextlib.suppress(KeyboardInterrupt):
                return child.wait()

    def tie_children_to_us() -> None:
        """Put this process into a job object that ends all its processes when its last handle, ours, is closed."""
        import ctypes
        from ctypes import wintypes

        class Basic(ctypes.Structure):  # JOBOBJECT_BASIC_LIMIT_INFORMATION
            _fields_ = (
                ("times", ctypes.c_int64 * 2),
                ("flags", wintypes.DWORD),
                ("working_set", ctypes.c_size_t * 2),
                ("processes", wintypes.DWORD),
                ("affinity", ctypes.c_size_t),
                ("priority", wintypes.DWORD),
                ("scheduling", wintypes.DWORD),
            )

        class Extended(ctypes.Structure):  # JOBOBJECT_EXTENDED_LIMIT_INFORMATION
            _fields_ = (("basic", Basic), ("io", ctypes.c_uint64 * 6), ("memory", ctypes.c_size_t * 4))

        extended_limit_information, kill_on_job_close = 9, 0x2000
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.CreateJobObjectW.restype = wintypes.HANDLE
        kernel.GetCurrentProcess.restype = wintypes.HANDLE
        kernel.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
        kernel.SetInformationJobObject.argtypes = (wintypes.HANDLE, ctypes.c_int, ctypes.c_void_p, wintypes.DWORD)
        job = kernel.CreateJobObjectW(None, None)
        limits = Extended(basic=Basic(flags=kill_on_job_close))
        kernel.SetInformationJobObject(job, extended_limit_information, ctypes.byref(limits), ctypes.sizeof(limits))
        kernel.AssignProcessToJobObject(job, kernel.GetCurrentProcess())

else:

    def _give_as_stdin(payload: bytes) -> None:
        """Make ``payload`` what is read from stdin from now on, by this process and by what it becomes."""
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        try:
            written = os.write(write_end, payload)
        except BlockingIOError:
            written = 0
        rest = payload[written:]
        if rest:
            _write_from_a_child(rest, read_end, write_end)
        os.close(write_end)
        os.dup2(read_end, 0)
        os.close(read_end)

    def _write_from_a_child(rest: bytes, read_end: int, write_end: int) -> None:
        """A pipe holds some 64 KB and nobody reads it before the exec: a child writes the rest, and ends with it."""
        if os.fork():
            return
        try:
            os.close(read_end)  # So that the pipe breaks when the worker dies.
            os.closerange(0, 3)  # Stash waits until stdout is closed by all.
            os.set_blocking(write_end, True)
            while rest:
                rest = rest[os.write(write_end, rest) :]
        finally:
            os._exit(0)
