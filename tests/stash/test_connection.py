"""How Stash is reached, and what is said when it isn't."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from tagger.errors import ConfigError, LibraryAuthError, LibraryDownError, LibraryRefusedError
from tagger.light import rpc
from tagger.light.connection import (
    Connection,
    find_api_key,
    from_server_connection,
    from_url,
    host_of,
    without_logins,
)
from tagger.stash.wire import Wire
from tests.double import Session, StashDouble

VERSION = "query Version { version { version } }"
GIVEN = {"Scheme": "http", "Host": "0.0.0.0", "Port": 9999, "SessionCookie": {"Name": "session", "Value": "s3cret"}}


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:9999"),
        ("", "http://127.0.0.1:9999"),
        ("::", "http://[::1]:9999"),
        ("[::]", "http://[::1]:9999"),
        ("192.168.1.2", "http://192.168.1.2:9999"),
        ("fd00::1", "http://[fd00::1]:9999"),
        ("stash.local", "http://stash.local:9999"),
    ],
)
def test_the_host_that_stash_listens_on_is_one_to_connect_to(host: str, url: str) -> None:
    assert from_server_connection({**GIVEN, "Host": host}).base_url == url


def test_what_stash_writes_to_stdin() -> None:
    connection = from_server_connection({**GIVEN, "Scheme": "https", "Dir": "/config", "PluginDir": "/config/p"})
    assert connection.base_url == "https://127.0.0.1:9999"
    assert connection.headers() == {"Cookie": "session=s3cret"}
    assert connection.dir == "/config"
    assert from_server_connection({**GIVEN, "SessionCookie": None}).headers() == {}


@pytest.mark.parametrize("given", [{"Port": "x"}, {"SessionCookie": "s3cret"}, {"SessionCookie": ["s3cret"]}])
def test_input_that_is_none_of_stash_is_refused_without_quoting_it(given: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as error:
        from_server_connection(given)
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("http://host:9999", "http://host:9999"),
        ("https://host/stash/", "https://host/stash"),
        (" http://host:1/a/b/graphql ", "http://host:1/a/b"),
        ("http://[::1]:9999/", "http://[::1]:9999"),
        ("host:9999", "http://host:9999"),
    ],
)
def test_an_address_from_a_person(given: str, base: str) -> None:
    assert from_url(given).base_url == base


@pytest.mark.parametrize(
    "given",
    ["", "ftp://host", "http://", "http://u:s3cret@host", "http://host/?apikey=s3cret", "http://h:x"],
)
def test_a_wrong_address_is_refused_without_a_secret(given: str) -> None:
    with pytest.raises(ConfigError) as error:
        from_url(given)
    assert "s3cret" not in str(error.value)


def test_the_api_key_comes_from_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from file\n", encoding="utf-8")
    environment = {"AI_TAGGER_STASH_API_KEY": "from environment"}
    assert find_api_key(file, environment) == "from file"
    assert find_api_key("", environment) == "from environment"
    assert find_api_key("", {}) == ""
    with pytest.raises(ConfigError, match="nowhere"):
        find_api_key(tmp_path / "nowhere", environment)


def test_secrets_are_never_shown() -> None:
    connection = from_server_connection(GIVEN).with_api_key("k3y")
    shown = f"{connection} {connection!r} {connection.cookie} {connection.api_key!r} {[connection]}"
    assert "s3cret" not in shown
    assert "k3y" not in shown
    again = pickle.loads(pickle.dumps(connection))
    assert again == connection
    assert again.headers() == {"Cookie": "session=s3cret", "ApiKey": "k3y"}


def test_asking_below_a_sub_path(tmp_path: Path) -> None:
    with StashDouble(tmp_path, sub_path="/my/stash") as stash:
        assert rpc.call(from_url(f"{stash.url}/"), VERSION)["version"]["version"]
        with pytest.raises(LibraryDownError, match="no Stash"):
            rpc.call(from_url(stash.url.removesuffix("/stash")), VERSION)


def test_a_login_that_is_missing_wrong_or_over(tmp_path: Path) -> None:
    with StashDouble(tmp_path, locked=True, api_key="right") as stash:
        assert rpc.call(stash.connection, VERSION)
        assert rpc.call(stash.plugin_connection, VERSION)
        for wrong, says in (
            (from_url(stash.url), "no API key"),
            (from_url(stash.url, "wrong"), "doesn't know this API key"),
        ):
            with pytest.raises(
                LibraryAuthError, match=f"login.*{says}.*--api-key-file FILE or AI_TAGGER_STASH_API_KEY"
            ):
                rpc.call(wrong, VERSION)
        over = stash.plugin_connection
        stash.expire_sessions()
        with pytest.raises(LibraryAuthError, match="expired") as told:
            rpc.call(over, VERSION)
        assert "--api-key-file" not in str(told.value), "Stash gives a plugin no options"
        assert rpc.call(over.with_api_key("right"), VERSION)


def test_a_server_that_is_not_there_slow_broken_or_refuses(tmp_path: Path) -> None:
    with StashDouble(tmp_path) as stash:
        connection = stash.connection
        stash.fault("error500")
        with pytest.raises(LibraryDownError, match="500"):
            rpc.call(connection, VERSION)
        stash.fault("drop_before")
        with pytest.raises(LibraryDownError, match="no answer"):
            rpc.call(connection, VERSION)
        stash.fault("delay", delay_s=1.0)
        with pytest.raises(LibraryDownError, match="too long"):
            rpc.call(connection, VERSION, timeout_s=0.1)
        with pytest.raises(LibraryRefusedError, match="nonsense"):
            rpc.call(connection, "query { nonsense }")
    with pytest.raises(LibraryDownError, match="see that it runs"):
        rpc.call(connection, VERSION)
    with pytest.raises(LibraryDownError, match="credential"):
        rpc.call(connection.with_api_key("bad\nkey"), VERSION)


def test_a_self_signed_certificate_is_refused_unless_allowed(tmp_path: Path) -> None:
    certificate = tmp_path / "both.pem"
    made = _make_certificate(certificate)
    if not made:
        pytest.skip("openssl isn't there to sign a certificate")
    with StashDouble(tmp_path / "stash", certificate=certificate) as stash:
        with pytest.raises(LibraryDownError, match="certificate"):
            rpc.call(stash.connection, VERSION)
        with pytest.raises(LibraryDownError, match="certificate"):
            Wire(stash.connection).call(VERSION, None, 10.0)
        assert rpc.call(stash.connection.without_tls_check(), VERSION)
        assert Wire(stash.connection.without_tls_check()).call(VERSION, None, 10.0), "and it says nothing of it"


def _make_certificate(file: Path) -> bool:
    request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    try:
        subprocess.run(["openssl", *request, "-keyout", file, "-out", f"{file}.cert"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    file.write_text(file.read_text("utf-8") + Path(f"{file}.cert").read_text("utf-8"), encoding="utf-8")
    return True


def test_the_light_half_needs_only_the_standard_library(tmp_path: Path) -> None:
    with StashDouble(tmp_path) as stash:
        given = {**stash.server_connection(Session()), "PluginDir": ""}
        script = (
            "import json, sys\n"
            "sys.path.insert(0, sys.argv[1])\n"
            "from tagger.light import rpc\n"
            "from tagger.light.connection import from_server_connection\n"
            "print(rpc.call(from_server_connection(json.load(sys.stdin)), 'query { version { version } }'))\n"
        )
        root = str(Path(__file__).parents[2])
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", script, root],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "double" in done.stdout


def test_connections_are_values() -> None:
    assert from_url("http://h:1", "k") == Connection("http://h:1").with_api_key("k")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://u:geheim@p:1", "http://***@p:1"),
        ("https://token@host/models", "https://***@host/models"),
        ("u:geheim@p:1", "***@p:1"),
        ("http://u:ge/heim@p:1", "http://***@p:1"),
        ('"http://u:geheim@p:1"', '"http://***@p:1"'),
        ("http://p:8080/npm/@scope/x", "http://p:8080/npm/@scope/x"),
        ("/data/me@home/models", "/data/me@home/models"),
        ("me@home", "me@home"),
    ],
)
def test_of_an_address_only_the_login_is_masked(text: str, shown: str) -> None:
    assert without_logins(text) == shown


@pytest.mark.parametrize(
    ("url", "host"), [("http://u:p@h:1/x", "h:1"), ("https://h/x", "h"), ("http://u:p/q@h", ""), ("", ""), ("/a/b", "")]
)
def test_a_host_has_no_login(url: str, host: str) -> None:
    assert host_of(url) == host
