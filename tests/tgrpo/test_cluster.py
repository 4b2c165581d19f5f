"""`--backend` and `--address`: what cannot work is said before anything is built."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tgrpo.cli.app import app
from tgrpo.cluster import START, ClusterError, expect_address, expect_backend


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.parametrize("address", ["somewhere", "ray://host:10001", "host:port", ":6379", ""])
def test_an_address_is_a_host_and_a_port(address: str) -> None:
    with pytest.raises(ClusterError, match=r"write HOST:PORT, as `ray start --head` prints it"):
        expect_address(address)


def test_an_address_where_nothing_answers_is_told_with_the_command_that_starts_a_cluster() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(ClusterError) as caught:
        expect_address(address)
    assert f"no Ray cluster answers at {address}; `{START}` starts one" in str(caught.value)


def test_a_port_that_listens_and_the_cluster_of_this_machine_are_left_to_ray() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        expect_address(f"127.0.0.1:{server.getsockname()[1]}")
    expect_address("auto")


def test_an_address_without_ray_is_a_mistake() -> None:
    with pytest.raises(ClusterError, match=r"--address a:1 is of use with --backend ray alone"):
        expect_backend("local", "a:1")


def test_a_run_is_not_begun_where_no_cluster_answers(tmp_path: Path) -> None:
    options = ["--backend", "ray", "--address", f"127.0.0.1:{free_port()}"]
    task = "libero_object/pick_up_the_milk_and_place_it_in_the_basket"
    runs = tmp_path / "runs"
    command = ["train", "--rewards", "tasks", "--task", task, "--run-dir", str(runs)]
    done = CliRunner().invoke(app, [*command, *options])
    assert done.exit_code == 1, done.output
    assert "no Ray cluster answers at 127.0.0.1:" in done.stderr
    assert not runs.exists()
