"""Scores of written states, what many of them have in common, and the files made of them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from importlib.metadata import EntryPoint
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import rewardlang.simulator
from rewardlang import ir
from rewardlang.cli import app
from rewardlang.cli.score_tables import print_scores
from rewardlang.scoring.chart import LEFT, RIGHT, WIDTH, chart
from rewardlang.scoring.document import document
from rewardlang.scoring.loading import load
from rewardlang.scoring.page import MOST_PICTURES, page
from rewardlang.scoring.pictures import pictures, spaced
from rewardlang.scoring.plot import plot
from rewardlang.scoring.score import EpisodeScore, score, score_episodes, scorer
from rewardlang.scoring.summary import Spread, summarize
from rewardlang.scoring.timeline import Band, bands, colors
from rewardlang.simulator import OtherSceneError, Replay, SimulatorError, find
from tests.rewardlang.episodes import HELD, ON_PLATE, OPENED, Episode, state
from tests.rewardlang.programs import all_, program, seq, stage
from tests.rewardlang.shipped import MILK
from tests.rewardlang.worlds import KITCHEN, World, reader, wander

TIDY = program(seq(stage("grasp", HELD), stage("put", ON_PLATE), stage("open", OPENED)))
SOLVED = (
    state(),
    state(),
    state(held=True),
    state(),
    state(plate=True),
    state(opened=True),
    state(basket=True),
)
STUCK = (state(), state(), state(held=True), state())


def replayed(played: ir.Program, worlds: tuple[World, ...]) -> Replay:
    """What a simulator would hand over of these states."""
    reward_fn = scorer(played, KITCHEN, max_steps=100)
    read = reader(reward_fn.evaluator.requirements(KITCHEN))
    return Replay(
        tuple(read(world) for world in worlds), tuple(world is SOLVED[-1] for world in worlds)
    )


def scored(worlds: tuple[World, ...], played: ir.Program = TIDY, **more) -> EpisodeScore:
    names = {"file": "made_up.hdf5", "name": "demo_0", **more}
    return score(scorer(played, KITCHEN, max_steps=100), replayed(played, worlds), **names)


# --- one episode ---------------------------------------------------------------------------------


@pytest.mark.parametrize("shaping", ["level", "telescope", "pbrs", "sparse"])
def test_a_score_is_what_the_reward_function_says_step_by_step(shaping: str) -> None:
    played = replace(TIDY, shaping=shaping)
    for worlds in (SOLVED, STUCK, tuple(wander(3, 40))):
        live = Episode(played, worlds[0])
        at_start = live.memory.phi
        live.play(*worlds[1:])
        item = scored(worlds, played)
        assert item.phi == (at_start, *(step.phi for step in live.steps))
        assert item.rewards == tuple(step.reward for step in live.steps)
        assert item.total_reward == pytest.approx(live.total)
        assert item.steps == len(worlds) - 1


def test_steps_count_from_1_and_a_stage_is_worked_on_until_it_is_finished() -> None:
    item = scored(SOLVED)
    assert item.finished == {"grasp": 2, "put": 4, "open": 5}
    assert item.working == (("grasp",), ("grasp",), ("put",), ("put",), ("open",), ())
    assert item.spent == {"grasp": 2, "put": 2, "open": 1}
    assert (item.success, item.native_success) == (6, 6)


def test_an_episode_without_success() -> None:
    item = scored(STUCK)
    assert (item.success, item.native_success) == (None, None)
    assert item.finished == {"grasp": 2}
    assert item.spent == {"grasp": 2, "put": 1}
    assert max(item.phi) < 1.0


def test_stages_side_by_side_are_worked_on_together() -> None:
    item = scored(STUCK, program(all_(stage("grasp", HELD), stage("open", OPENED))))
    assert item.working == (("grasp", "open"), ("grasp", "open"), ("open",))


def test_a_single_state_is_an_episode_of_no_steps() -> None:
    item = scored(SOLVED[:1])
    assert (item.steps, item.total_reward, item.working, len(item.phi)) == (0, 0.0, (), 1)
    assert chart(item, colors(["grasp", "put", "open"])).curve.startswith(f"{LEFT:g},")


def test_a_success_that_the_file_tells_of_and_its_states_do_not_show() -> None:
    assert scored(STUCK, solved=True).ends_early
    assert not scored(STUCK, solved=False).ends_early
    assert not scored(STUCK).ends_early
    assert not scored(SOLVED, solved=True).ends_early


# --- many ----------------------------------------------------------------------------------------


def test_the_summary_counts_each_stage() -> None:
    scores = [scored(SOLVED), scored(STUCK), scored(STUCK[:2], solved=True)]
    summary = summarize(scores, ["grasp", "put", "open", "unheard_of"])
    assert (summary.episodes, summary.steps, summary.ends_early) == (3, 6 + 3 + 1, 1)
    assert summary.success == summary.native_success == pytest.approx(1 / 3)
    grasp, put, last, never = summary.stages
    assert (grasp.reached, grasp.finished) == (3, 2)
    assert grasp.finished_at == Spread(2.0, 2.0)
    assert grasp.spent == Spread(pytest.approx(5 / 3), 2.0)
    assert (put.reached, put.finished, put.finished_at) == (2, 1, Spread(4.0, 4.0))
    assert (last.reached, last.finished) == (1, 1)
    assert (never.reached, never.finished_at, never.spent) == (0, None, None)
    assert summary.never_reached == ("unheard_of",)


def test_no_episodes_have_no_summary() -> None:
    with pytest.raises(ValueError, match="no episodes"):
        summarize([], ["grasp"])


def test_the_document_is_json_and_holds_every_step() -> None:
    scores = [scored(SOLVED), scored(STUCK)]
    summary = summarize(scores, ["grasp", "put", "open"])
    data = json.loads(json.dumps(document(TIDY, 100, scores, summary), allow_nan=False))
    assert (data["scene"], data["shaping"], data["max_steps"]) == (KITCHEN.id, "level", 100)
    first, second = data["episodes"]
    assert first["phi"] == list(scores[0].phi)
    assert first["return"] == pytest.approx(sum(first["rewards"]))
    assert first["stages"]["put"] == {"finished": 4, "spent": 2}
    assert second["stages"]["open"] == {"finished": None, "spent": 0}
    assert (first["success"], second["success"]) == (6, None)
    assert data["summary"]["stages"]["grasp"]["finished"] == 2
    assert data["summary"]["return"]["mean"] == pytest.approx(
        (first["return"] + second["return"]) / 2
    )


# --- time ----------------------------------------------------------------------------------------


def test_bands_are_stretches_without_a_gap() -> None:
    assert bands(scored(SOLVED).working) == (
        Band(("grasp",), 0, 2),
        Band(("put",), 2, 4),
        Band(("open",), 4, 5),
        Band((), 5, 6),
    )
    assert bands(()) == ()


def test_the_chart_spans_the_episode() -> None:
    item = scored(SOLVED)
    drawn = chart(item, colors(["grasp", "put", "open"]))
    points = [tuple(map(float, point.split(","))) for point in drawn.curve.split()]
    assert len(points) == item.steps + 1
    assert (points[0][0], points[-1][0]) == (LEFT, WIDTH - RIGHT)
    heights = [y for _, y in points]
    assert heights.index(min(heights)) == item.phi.index(max(item.phi))
    grasp, put, _ = drawn.lanes
    assert grasp.bars[0].x + grasp.bars[0].width == pytest.approx(put.bars[0].x, abs=0.02)
    assert grasp.finished == pytest.approx(points[2][0])
    assert drawn.success == WIDTH - RIGHT


def test_long_names_of_stages_keep_their_end() -> None:
    path = f"{'very_' * 8}long.reach"
    lane = chart(scored(STUCK), colors([path])).lanes[0]
    assert (lane.path, len(lane.label), lane.label[0]) == (path, 22, "…")
    assert path.endswith(lane.label[1:])


def test_ticks_are_few_however_long_the_episode() -> None:
    for steps in (1, 9, 70, 520, 4000):
        long = replace(
            scored(STUCK), rewards=(0.0,) * steps, phi=(0.0,) * (steps + 1), working=((),) * steps
        )
        assert 2 <= len(chart(long, {}).steps) <= 11


# --- pictures and pages --------------------------------------------------------------------------


@dataclass(frozen=True)
class Film:
    """Frames that are all of one color, their number."""

    count: int
    size: tuple[int, int] = (32, 48)

    def __len__(self) -> int:
        return self.count

    def read(self, indices):
        return [np.full((*self.size, 3), index % 256, np.uint8) for index in indices]


def opened(address: str) -> Image.Image:
    import base64

    head, _, data = address.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(BytesIO(base64.b64decode(data)))


def test_frames_are_spaced_evenly() -> None:
    assert spaced(3, 5) == [0, 1, 2]
    assert spaced(101, 5) == [0, 25, 50, 75, 100]
    assert spaced(10, 1) == [0]
    assert spaced(10, 0) == spaced(0, 5) == []


def test_pictures_are_what_the_camera_saw_and_small() -> None:
    shown = pictures(Film(81, (600, 400)), 5)
    assert [picture.step for picture in shown] == [0, 20, 40, 60, 80]
    for picture in shown:
        image = opened(picture.address)
        assert max(image.size) == 256
        assert abs(np.asarray(image.convert("RGB")).astype(int) - picture.step).max() <= 2


def test_the_plot_is_a_picture_whatever_the_number_of_episodes() -> None:
    for count in (1, 80):
        drawn = plot(
            "tidy", [scored(SOLVED), scored(STUCK)] * count, ["grasp", "put", "open"], "png"
        )
        with Image.open(BytesIO(drawn)) as image:
            image.load()
            assert image.size[0] == 1080
            colors_there = {color for _, color in image.convert("RGB").getcolors(1 << 24)}
        for color in colors(["grasp", "put", "open"]).values():
            assert tuple(bytes.fromhex(color[1:])) in colors_there
    assert plot("tidy", [scored(STUCK[:1])], ["grasp"], "svg").lstrip().startswith(b"<?xml")


class Elements(HTMLParser):
    """Elements of a page, opened and closed in order, and its texts."""

    VOID = frozenset({"meta", "input", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts.append((self.open[-1], data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def made(scores, frames, played: ir.Program = TIDY) -> str:
    paths = [item.path for item in ir.stages(played)]
    return page(played, summarize(scores, paths), scores, frames)


def test_the_page_holds_every_episode_with_its_timeline_and_frames() -> None:
    scores = [scored(SOLVED, name=f"demo_{number}") for number in range(3)]
    found = Elements(made(scores, [Film(7), None, Film(6)]))
    assert [item["class"] for item in found.all("section")] == ["episode"] * 3
    headings = [text.strip() for tag, text in found.texts if tag == "h2"]
    assert [name for name in headings if name] == ["demo_0", "demo_1", "demo_2"]
    assert len(found.all("polyline")) == len(found.all("svg")) == 3
    assert [item["max"] for item in found.all("input")] == ["6"] * 3
    assert len(found.all("img")) == 2
    missing = [text for tag, text in found.texts if tag == "figcaption" and "no camera" in text]
    assert missing == ["The file has no camera frames of this episode."]
    *episodes, _script = [json_text for tag, json_text in found.texts if tag == "script"]
    data = [json.loads(text) for text in episodes]
    assert [len(item["pictures"]) for item in data] == [7, 0, 6]
    assert data[0]["phi"] == [round(value, 4) for value in scores[0].phi]
    assert data[0]["working"][2] == "put"


def test_the_page_needs_nothing_else() -> None:
    text = made([scored(SOLVED), scored(STUCK)], [Film(3), None])
    found = Elements(text)
    for tag, attributes in found.found:
        assert tag not in ("link", "iframe", "object", "base")
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:").startswith("data:"), (tag, attributes)
    assert not re.search(r"https?:|@import|url\(|fetch\(", text)


def test_names_cannot_break_out_of_the_page() -> None:
    evil = "</script><script>alert(1)</script>"
    played = replace(TIDY, task=evil)
    text = made([scored(SOLVED, name=evil, file=f'{evil}"')], [None], played)
    assert "<script>alert" not in text
    Elements(text)


def test_the_number_of_pictures_is_bounded() -> None:
    scores = [scored(SOLVED)] * 100
    text = made(scores, [Film(300, (8, 8))] * 100)
    # each picture once in the data, the first once more as the image that is shown
    assert len(re.findall("data:image/jpeg", text)) <= MOST_PICTURES + 100


# --- where episodes come from --------------------------------------------------------------------


@dataclass(frozen=True)
class Recorded:
    file: str
    name: str
    worlds: tuple[World, ...]
    solved: bool | None = None
    frames: None = None

    def replay(self, requirements) -> Replay:
        read = reader(requirements)
        return Replay(tuple(map(read, self.worlds)), (False,) * len(self.worlds))


class Shelf:
    """A simulator whose files hold one word: whose episodes they are, or that they are damaged."""

    suffixes = (".demo",)

    def recordings(self, path, scene):
        match path.read_text() if path.is_file() else "missing":
            case "kitchen":
                return [Recorded(str(path), f"demo_{number}", STUCK) for number in range(2)]
            case "other":
                raise OtherSceneError(f"{path} is of another scene than {scene.id}")
            case said:
                raise SimulatorError(f"{path} is {said}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    for name, text in {"b": "kitchen", "a": "kitchen", "sub/c": "other"}.items():
        (tmp_path / f"{name}.demo").write_text(text)
    (tmp_path / "notes.txt").write_text("damaged")
    return tmp_path


def test_of_a_folder_the_files_of_the_scene_count(folder: Path) -> None:
    loaded = load(Shelf(), KITCHEN, [folder])
    assert [Path(item.file).stem for item in loaded.episodes] == ["a", "a", "b", "b"]
    assert loaded.passed_over == 1
    scores = score_episodes(TIDY, KITCHEN, loaded.episodes, max_steps=100)
    assert [item.phi for item in scores] == [scored(STUCK).phi] * 4


def test_the_tables_of_several_files_read_in_80_columns(folder: Path, capsys, monkeypatch) -> None:
    """Files are numbered, because their names are long, and are told below."""
    monkeypatch.setenv("COLUMNS", "80")
    long = folder / f"{'pick_up_the_black_bowl_' * 4}.demo"
    long.write_text("kitchen")
    loaded = load(Shelf(), KITCHEN, [folder])
    scores = score_episodes(TIDY, KITCHEN, loaded.episodes, max_steps=100)
    print_scores(summarize(scores, [stage.path for stage in ir.stages(TIDY)]), scores, 0)
    tables, *files = capsys.readouterr().out.split("file ")
    assert max(map(len, tables.splitlines())) <= 80
    assert "3: demo_1" in tables
    assert [line.split()[0] for line in files] == ["1:", "2:", "3:"]
    assert str(long) in files[2]


def test_brackets_in_a_files_name_are_shown_as_they_are(capsys) -> None:
    files = ("runs[old]/demo.hdf5", "runs[/new]/demo.hdf5")
    scores = [scored(STUCK, file=file) for file in files]
    print_scores(summarize(scores, [stage.path for stage in ir.stages(TIDY)]), scores, 0)
    shown = capsys.readouterr().out.splitlines()
    assert {f"file {number}: {file}" for number, file in enumerate(files, 1)} <= set(shown)


def test_paths_that_cannot_be_written_are_named_before_anything_is_scored(
    folder: Path, monkeypatch
) -> None:
    _installed(monkeypatch)  # no simulator: scoring would end here
    program = folder / "milk.rl"
    program.write_text(MILK.read_text())
    page, picture = folder / "missing" / "page.html", folder / "sub" / "phi.png"
    picture.mkdir()
    wanted = ["score", program, folder, "--html", page, "--plot", picture, "--json", "-"]
    done = CliRunner().invoke(app, list(map(str, wanted)))
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        f"error: cannot write {picture}: it is a folder",
        f"error: cannot write {page}: no such file or directory",
    ]
    assert not list((folder / "sub").glob(".*"))


def test_a_file_is_read_once(folder: Path) -> None:
    assert len(load(Shelf(), KITCHEN, [folder / "b.demo", folder, folder]).episodes) == 4


def test_a_named_file_must_be_of_the_scene(folder: Path) -> None:
    with pytest.raises(SimulatorError, match=r"c\.demo is of another scene than made_up/tidy"):
        load(Shelf(), KITCHEN, [folder / "a.demo", folder / "sub" / "c.demo"])


def test_everything_wrong_is_said_at_once(folder: Path) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(SimulatorError) as caught:
        load(Shelf(), KITCHEN, [folder / "x.demo", folder / "notes.txt", folder / "empty", folder])
    assert sorted(str(caught.value).splitlines()) == sorted(
        [
            f"{folder / 'x.demo'} is missing",
            f"{folder / 'notes.txt'} is damaged",
            f"{folder / 'empty'}: there is no .demo file in this folder",
        ]
    )


def test_a_folder_of_other_scenes_alone_is_an_error(folder: Path) -> None:
    for number in range(5):
        (folder / "sub" / f"c{number}.demo").write_text("other")
    with pytest.raises(OtherSceneError) as caught:
        load(Shelf(), KITCHEN, [folder / "sub"])
    said = str(caught.value).splitlines()
    assert len(said) == 4
    assert said[0] == f"{folder / 'sub' / 'c.demo'} is of another scene than {KITCHEN.id}"
    assert said[-1] == "3 more files are of other scenes"


def _installed(monkeypatch: pytest.MonkeyPatch, *entries: EntryPoint) -> None:
    monkeypatch.setattr(rewardlang.simulator, "entry_points", lambda **_: entries)


def test_without_a_simulator_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _installed(monkeypatch)
    with pytest.raises(SimulatorError) as caught:
        find()
    assert str(caught.value) == (
        "no simulator is installed: pip install 'rewardlang[libero]' brings LIBERO's"
    )


def test_a_simulator_whose_own_needs_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(monkeypatch, EntryPoint("mars", "no_such_package.mars:Rover", "group"))
    with pytest.raises(SimulatorError) as caught:
        find()
    assert "`mars` needs no_such_package, which is not installed" in str(caught.value)
    assert "pip install 'rewardlang[libero]'" in str(caught.value)
