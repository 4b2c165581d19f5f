"""`tgrpo report`: runs read back, charts, a page that needs nothing else, episodes, videos."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from base64 import b64decode
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pytest
from typer.testing import CliRunner

from tgrpo.cli.app import app
from tgrpo.cli.report_command import played
from tgrpo.layers import Layer, as_toml, resolve
from tgrpo.policies import make_policy
from tgrpo.programs import find_programs
from tgrpo.reporting.charts import charts
from tgrpo.reporting.episodes import RecordedEpisode, key_objects, play_episode
from tgrpo.reporting.page import page
from tgrpo.reporting.runs import RunError, read_runs
from tgrpo.reporting.videos import small_video, write_video
from tgrpo.simulation.initial_states import load_states
from tgrpo.tasks import CONTROL_HZ, find_task
from tgrpo.trajectory import Camera, TaskContext

MILK = "libero_object/pick_up_the_milk_and_place_it_in_the_basket"
SOUP = "libero_object/pick_up_the_alphabet_soup_and_place_it_in_the_basket"
PROGRAMS = Path(__file__).parents[2] / "tasks"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")


def make_run(folder: Path, *, tasks: tuple[str, ...] = (MILK, SOUP), ended: bool = True) -> Path:
    """A folder as `tgrpo train` leaves it, with success that rises from 0.5 to 0.9."""
    folder.mkdir(parents=True)
    config = resolve([Layer("test", {"iterations": 4, "evaluation.validation_episodes": 10})])
    (folder / "config.toml").write_text(as_toml(config))
    (folder / "run.json").write_text(json.dumps({"tasks": tasks}))
    rows: list[dict[str, Any]] = []
    for number in range(5):
        share = 0.5 + 0.1 * number
        named = {f"{kind}/{task}": share for kind in ("success", "phi") for task in tasks}
        rows.append({"phase": "validation", "step": number, "success": share, **named})
        if number:
            stages = {
                f"rollout/stages/{task}/{place}-{name}": value
                for task in tasks
                for place, (name, value) in enumerate(
                    [("reach", 1 - share), ("grasp", 0.0), ("success", share)]
                )
            }
            terms = {f"reward/{task}/grasp": share for task in tasks}
            shares = {"rollout/success": share, "advantage/groups_without_signal": 0.25}
            times = {"seconds/policy": 1.0, "seconds/wait": 2.0, "seconds/physics": 2.5}
            rows.append({"phase": "train", "step": number, **stages, **terms, **shares, **times})
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "metrics.jsonl").write_text(text + '{"phase": "train", "st')  # killed while writing
    if ended:
        tested = {"tasks": [{"successes": 45, "episodes": 50} for _ in tasks], "iteration": 4}
        results = {
            "candidates": {"sft": {**tested, "iteration": 0}, "last": tested, "best": tested},
            "gain_over_sft": {"last": {task: [0.2, 0.1, 0.3] for task in tasks}, "best": {}},
        }
        (folder / "results.json").write_text(json.dumps(results))
    return folder


def recorded(steps: int = 12) -> RecordedEpisode:
    rng = np.random.default_rng(0)
    names = ("milk_1", "basket_1", "ketchup_1")
    return RecordedEpisode(
        title=f"{MILK}, validation state 3",
        context=TaskContext("libero_object", "milk", "pick up the <milk>", names, names),
        key_objects=(0, 1),
        phi=np.linspace(0, 0.9, steps + 1),
        rewards=np.full(steps + 1, 0.01),
        stages=tuple(("reach",) if step < 5 else ("grasp",) for step in range(steps + 1)),
        robot=rng.random((steps + 1, 9)).astype(np.float32),
        poses=rng.random((steps + 1, 3, 7)).astype(np.float32),
        frames=rng.integers(0, 255, (steps + 1, 32, 48, 3)).astype(np.uint8),
        success=steps,
    )


def test_a_run_is_read_back_and_an_unfinished_line_is_left_out(tmp_path: Path) -> None:
    [run] = read_runs([make_run(tmp_path / "a")])
    assert run.tasks == (MILK, SOUP)
    assert run.iterations == 4
    assert run.series("validation", "success") == ([0, 1, 2, 3, 4], [0.5, 0.6, 0.7, 0.8, 0.9])
    assert run.names("train", f"reward/{MILK}/") == [f"reward/{MILK}/grasp"]
    assert run.label == "a"


def test_every_folder_that_is_no_run_is_named_with_the_runs_near_it(tmp_path: Path) -> None:
    make_run(tmp_path / "runs" / "milk-1")
    wrong = [tmp_path / "runs", tmp_path / "runs" / "milk-2"]
    with pytest.raises(RunError) as caught:
        read_runs(wrong)
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    for path, line in zip(wrong, lines, strict=True):
        assert line.startswith(f"{path} is no run's folder: it has no metrics.jsonl")
        assert line.endswith(f"did you mean {tmp_path / 'runs' / 'milk-1'}?")


def test_runs_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    runs = read_runs([make_run(tmp_path / "a" / "run"), make_run(tmp_path / "b" / "run")])
    assert [run.label for run in runs] == ["a/run", "b/run"]


def test_charts_show_what_was_written(tmp_path: Path) -> None:
    run = read_runs([make_run(tmp_path / "a")])[0]
    made = {chart.title: chart.figure for chart in charts([run])}
    assert list(made) == [
        "Success",
        "Success per task",
        "Furthest stage of the arms",
        "Terms of the reward",
        "Signal",
        "Where the time goes",
    ]
    band, line, arms = made["Success"].data
    assert list(line.y) == [0.5, 0.6, 0.7, 0.8, 0.9]
    highs, lows = band.y[:5], band.y[:4:-1]
    assert all(low < value < high for low, value, high in zip(lows, line.y, highs, strict=True))
    assert list(arms.y) == pytest.approx([0.6, 0.7, 0.8, 0.9])
    stages = [trace for trace in made["Furthest stage of the arms"].data if trace.xaxis == "x"]
    assert [trace.name for trace in stages] == ["reach", "grasp", "success"]
    assert np.sum([trace.y for trace in stages], axis=0) == pytest.approx(np.ones(4))


def test_drawing_is_time_of_the_simulators(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "a")
    seconds = {
        **{"policy": 1.0, "transport": 0.5, "wait": 3.5, "update": 2.0},
        **{"rendering": 3.0, "physics": 1.0, "reward": 0.5, "idle": 0.5},
    }
    row = {"phase": "train", "step": 1} | {f"seconds/{name}": x for name, x in seconds.items()}
    (folder / "metrics.jsonl").write_text(json.dumps(row) + "\n")
    (chart,) = (item for item in charts(read_runs([folder])) if "time" in item.title)
    height = {"trainer": 0.0, "simulators": 0.0}
    for trace in chart.figure.data:
        height[trace.offsetgroup] += sum(trace.y)
    wall = 5.0
    assert height == {"trainer": wall + seconds["update"], "simulators": wall}
    assert len({trace.marker.color for trace in chart.figure.data}) == len(seconds)
    assert "(rendering, physics, reward, idle)" in chart.caption


def test_a_run_that_is_being_made_longer_is_not_finished(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "a")
    longer = resolve([Layer("test", {"iterations": 8, "evaluation.validation_episodes": 10})])
    (folder / "config.toml").write_text(as_toml(longer))
    text = page(read_runs([folder]))
    assert "at iteration 4, not finished" in text
    assert "last (iteration 4)" in text


def test_a_run_of_sft_alone_is_played_without_a_program(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "a", ended=False)
    assert played(read_runs([folder])[0]) == [(find_task(MILK), None), (find_task(SOUP), None)]


def test_the_page_needs_nothing_else_and_escapes_what_it_shows(tmp_path: Path) -> None:
    runs = read_runs([make_run(tmp_path / "a"), make_run(tmp_path / "b", ended=False)])
    text = page(runs, [recorded()])
    assert re.findall(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="(?!data:)', text) == []
    assert "a beside b" in text
    assert "finished" in text
    assert "at iteration 4, not finished" in text
    assert "45/50 = 90% (79% – 96%); +20 points (+10 … +30)" in text
    assert "pick up the &lt;milk&gt;" in text
    assert "pick up the <milk>" not in text


def test_the_key_objects_are_those_that_the_program_is_about() -> None:
    program = next(
        item.program for item in find_programs(PROGRAMS / "libero_object") if item.scene == MILK
    )
    assert program is not None
    names = ("ketchup_1", "milk_1", "basket_1", "floor")
    context = TaskContext("libero_object", "milk", "pick up the milk", names, names)
    assert key_objects(program, context) == (1, 2)


def test_a_page_may_do_without_videos(tmp_path: Path) -> None:
    runs = read_runs([make_run(tmp_path / "a")])
    with_video, without = page(runs, [recorded()]), page(runs, [recorded()], videos=False)
    [(address, data)] = re.findall(r'<video [^>]*src="(data:video/mp4;base64,([^"]*))"', with_video)
    (tmp_path / "seen.mp4").write_bytes(b64decode(data))
    assert imageio.imread(tmp_path / "seen.mp4", plugin="FFMPEG").shape == (13, 32, 48, 3)
    assert "<video" not in without
    assert with_video.count(address) == 1


def test_a_video_of_a_page_has_a_bound_whatever_it_shows() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 256, 256, 3)).astype(np.uint8)
    assert len(small_video(noise)) < 1.2 * 37_500 * len(noise) / CONTROL_HZ


def in_chromium(file: Path, *options: str) -> str:
    assert CHROMIUM is not None
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += ["--virtual-time-budget=5000", *options, file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_browser_draws_the_charts_and_the_slider_moves_through_an_episode(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    move = "const slider = document.querySelector('input'); slider.value = 7;"
    move += "slider.dispatchEvent(new Event('input'));"
    move += "const video = document.querySelector('video');"
    move += "video.addEventListener('loadedmetadata', () => video.setAttribute('data-seen',"
    move += " `${video.videoWidth} x ${video.videoHeight}, ${video.duration.toFixed(2)} s`));"
    move += "video.load()"
    text = page(read_runs([make_run(tmp_path / "a")]), [recorded()])
    file.write_text(text.replace("</body>", f"<script>{move}</script></body>"))
    dom = in_chromium(file, "--dump-dom")
    assert dom.count('class="main-svg"') >= 7  # six charts and the episode's curves
    assert "step 7 of 12 · Φ 0.525 · reward so far 0.080 · grasp" in dom
    assert re.search(r"<td>milk_1</td><td>[\d.]+, [\d.]+, [\d.]+</td><td>[\d.]+</td>", dom)
    assert re.search(r'<img [^>]*src="data:image/jpeg;base64,', dom)
    assert 'data-seen="48 x 32, 0.65 s"' in dom  # 13 frames at 20 Hz
    picture = tmp_path / "report.png"
    in_chromium(file, "--window-size=1200,2400", f"--screenshot={picture}")
    seen = imageio.imread(picture)
    assert seen.shape[:2] == (2400, 1200)
    assert len(np.unique(seen.reshape(-1, seen.shape[2]), axis=0)) > 200  # colours: it drew


def test_a_video_has_every_frame_at_the_speed_of_the_simulation(tmp_path: Path) -> None:
    frames = np.zeros((30, 64, 48, 3), np.uint8)
    frames[:, :, :, 0] = np.linspace(0, 255, 30, dtype=np.uint8)[:, None, None]
    path = write_video(tmp_path / "new" / "episode.mp4", frames)
    read = imageio.imread(path, plugin="FFMPEG")
    assert read.shape == frames.shape
    assert np.abs(read[:, :, :, 0].mean(axis=(1, 2)) - frames[:, 0, 0, 0]).max() < 12
    assert imageio.immeta(path, plugin="FFMPEG")["fps"] == CONTROL_HZ
    assert [item.name for item in path.parent.iterdir()] == ["episode.mp4"]


def test_the_command_writes_the_page_into_the_run_and_names_it(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a")
    done = CliRunner().invoke(app, ["report", str(run), "--episodes", "0"])
    assert done.exit_code == 0, done.output
    assert str(run / "report.html") in done.output
    assert "<h2>Success</h2>" in (run / "report.html").read_text()


def test_a_folder_that_is_no_run_is_a_message(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert done.exit_code == 1
    assert "is no run's folder: it has no metrics.jsonl" in done.stderr


@pytest.mark.sim
@pytest.mark.parametrize("chunk", [1, 3])
def test_an_episode_is_recorded_with_its_frames(chunk: int) -> None:
    task = find_task(MILK)
    program = next(
        item.program for item in find_programs(PROGRAMS / "libero_object") if item.scene == MILK
    )
    episode = play_episode(
        make_policy("tiny", seed=0, architecture={"chunk": chunk}).sampler(),
        task,
        program,
        load_states(task, "validation")[0],
        camera=Camera("agentview", 64, 96),
        max_steps=4,
    )
    assert len(episode) == 4
    assert episode.frames.shape == (5, 64, 96, 3)
    assert episode.frames.std() > 10  # it sees something
    assert episode.frames[0, :16].mean() != episode.frames[0, -16:].mean()
    names = [episode.context.object_names[row] for row in episode.key_objects]
    assert names == ["milk_1", "basket_1"]
    assert episode.stages[0]
    assert episode.success is None
    data = episode.as_page_data()
    assert [step for step, _ in data["frames"]] == [0, 1, 2, 3, 4]
    assert json.loads(json.dumps(data)) == data
