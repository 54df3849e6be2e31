"""What a training may use, precision, jobs and scheduler: what may be asked for, and what comes of it."""

import contextlib
import socket
import threading
from pathlib import Path

import pytest
from training_processes import LONG, TINY, said, start, wait_for_checkpoint

from fmnist_utils import UserError, run_all
from fmnist_utils.runs import resources
from fmnist_utils.runs.resources import Resources


@pytest.mark.slow
def test_a_resumed_run_keeps_the_precision_and_threads_it_was_begun_with(tmp_path: Path) -> None:
    process = start(tmp_path, LONG, threads=1, jobs=1, precision="fp32")
    wait_for_checkpoint(tmp_path, process)
    process.kill()
    process.communicate()
    output = said(start(tmp_path, LONG, threads=2, jobs=1, precision="bf16"))
    assert "goes on after epoch" in output
    assert output.splitlines()[-1].endswith("fresh fp32 1")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"precision": "fp16"}, "PRECISION=fp16 is unknown; did you mean 'bf16'"),
        ({"jobs": 0}, "JOBS=0 is not allowed"),
        ({"jobs": "-3"}, "JOBS=-3 is not allowed"),
        ({"jobs": "abc"}, "JOBS=abc is not allowed"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_a_line(asked: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message) as caught:
        run_all([TINY], tmp_path, **asked)
    assert "\n" not in str(caught.value)
    assert not tmp_path.joinpath("runs").exists()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.0 400 Bad Request\r\n\r\n", b"\xff" * 64, None])
def test_a_server_that_is_no_scheduler_is_told_at_once(answer: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that closes, one that speaks another language, and (None) one that is silent."""
    monkeypatch.setattr(resources, "ANSWER", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    caller, _ = server.accept()
                    callers.append(caller)
                    if answer is not None:
                        caller.sendall(answer)
                        caller.close()

        callers: list[socket.socket] = []
        threading.Thread(target=serve, daemon=True).start()
        place = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        said = f"^SCHEDULER={place}: no Dask scheduler answers there .whoever listens there does not speak Dask's"
        with pytest.raises(UserError, match=said) as caught:
            Resources(scheduler=place).check_scheduler()
    assert "\n" not in str(caught.value) and len(str(caught.value)) <= 300


def test_bf16_where_it_is_emulated_goes_on_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("fmnist_utils.training.device.has_bf16", lambda device: False)
    [run] = run_all([TINY.but(epochs=1, train_size=100)], tmp_path, precision="bf16")
    assert run.provenance["precision"] == "bf16"
    [line] = capsys.readouterr().err.splitlines()
    assert "bf16 is emulated on this cpu: training takes hundreds of times as long" in line
    [other] = run_all([TINY], tmp_path)
    assert other.provenance["precision"] == "fp32"


def test_resources_pass_through_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = Resources(precision="fp32", jobs=3, scheduler="tcp://host:1")
    for name, value in wanted.as_environment().items():
        monkeypatch.setenv(name, value)
    assert Resources.of() == wanted
    assert Resources.of(jobs="auto", precision="", scheduler="") == Resources()
