# -*- coding: utf-8 -*-
"""AI Tagger's entry, for Stash and for a terminal. Any Python understands it well enough to say which one is needed.

It stays short: Stash starts it for every edited scene and waits, and a script is compiled anew at each start.
"""

import sys


def somebody_updated(payload):
    # type: (bytes) -> bool
    """Whether this is Stash's hook for an update that a person or another plugin made (``input`` isn't null).

    Judged on the bytes, since importing json would double the time. A quote inside a JSON string is always escaped, so
    these sequences, with unescaped quotes inside, are the object's own keys and values, never text that somebody typed.
    Stash writes compact JSON with ``type`` right before ``input``; in any other form the real parser decides, later.
    """
    return b'"args":{"hookContext":{' in payload and b'"type":"Scene.Update.Post","input":{' in payload


def main():
    # type: () -> int
    payload = b""
    if len(sys.argv) == 1 and not sys.stdin.isatty():
        payload = getattr(sys.stdin, "buffer", sys.stdin).read()  # type: ignore[assignment]
        if somebody_updated(payload):
            sys.stdout.write('{"output":"ok"}')
            return 0
    if sys.version_info < (3, 11):
        return too_old(payload)
    import os

    root = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, root)  # Under -I Python doesn't look beside the script.
    from tagger.light import entry

    return entry.main(sys.argv[1:], payload, root)


def too_old(payload):
    # type: (bytes) -> int
    text = "AI Tagger needs Python 3.11 or newer, and this is Python %d.%d (%s)." % (
        sys.version_info[0],
        sys.version_info[1],
        sys.executable,
    )
    if not payload:
        sys.stderr.write(text + "\n")
        return 2
    if b'"hookContext":{' in payload:
        sys.stdout.write('{"output":"ok"}')  # Said by every task; once for each scanned file would flood the log.
        return 0
    text += " Install a newer one, and give its path in Stash under Settings, System, Python executable path."
    sys.stderr.write("\x01e\x02" + text + "\n")
    sys.stdout.write('{"error":"' + text.replace("\\", "/").replace('"', "'") + '"}')
    return 2


if __name__ == "__main__":
    sys.exit(main())
