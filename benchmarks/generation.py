"""How good are generated programs? Any model's, beside the planner's on the same tasks.

    python benchmarks/generation.py my_tasks/ other_tasks/
    python benchmarks/generation.py --transcript transcript.jsonl --answers answers.jsonl --audit 5

Scores folders of programs (`DIR/<suite>/<task>.rl`), transcripts that `rewardlang generate
--transcript` wrote, and answers collected elsewhere: a line of JSON each with `scene` and `answer`,
to the prompts that `rewardlang generate --show-prompt --all` prints. An answer becomes a program by
the code that `generate` uses. Several answers for one scene are corrections, in their order.

valid      programs without errors, of all
first      valid at the first answer, where answers are known
answers    that the model gave until one was valid, or until it gave up; the mean
warnings   of a valid program; the mean
goal       programs whose stages mention every atom of LIBERO's goal, of all
changes    differences in meaning from the planner's program; the median of the valid ones
audit      programs without a failed check in the simulator, of the first N valid ones; only where
           `--audit N` asks for it, because it takes minutes

Prints a row for each, and one for the planner below it; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from rewardlang import ir
from rewardlang.api import Analysis, analyze
from rewardlang.checking.reasoning import asserted, atom_key, goal_key
from rewardlang.files import read_programs
from rewardlang.generation.drafting import judged
from rewardlang.generation.making import planned
from rewardlang.inspecting.differences import differences
from rewardlang.llm.model import Answer, Finish, Message, Method, Usage
from rewardlang.prompting.messages import Wanted, asking_for_plan
from rewardlang.scene import Scene, UnknownSceneError, load

SCENE = re.compile(r'^scene "([^"\n]+)"', re.MULTILINE)
COLUMNS = ("programs", "valid", "first", "answers", "warnings", "goal", "changes", "audit")


Said = tuple[str, str, Answer]
"""Where an answer stands, its scene, and itself."""


class InputError(ValueError):
    """What cannot be scored; the message says where it stands, and why."""


@dataclass(frozen=True)
class Sample:
    """A program as it came out.

    analysis   None where no answer held a program
    answers    how many it took; None where that is not known
    """

    scene: Scene
    analysis: Analysis | None
    answers: int | None = None

    @property
    def program(self) -> ir.Program | None:
        """Where there are no errors."""
        return self.analysis.program if self.analysis and self.analysis.ok else None


@dataclass(frozen=True)
class Score:
    """One row of the table; its columns are explained above. None: not known, or not asked for."""

    name: str
    programs: int
    valid: int
    first: int | None
    answers: float | None
    warnings: float | None
    goal: int
    changes: float | None
    audit: str | None


def main() -> None:
    arguments = parsed()
    try:
        sets = {
            **{str(folder): in_folder(folder) for folder in arguments.folders},
            **{str(file): in_transcript(file) for file in arguments.transcript},
            **{str(file): in_answers(file) for file in arguments.answers},
        }
    except InputError as error:
        sys.exit(f"error: {error}")
    scores = []
    for name, samples in sets.items():
        rival = [Sample(sample.scene, planners(sample.scene)) for sample in samples]
        scores.append(scored(name, samples, arguments.audit))
        scores.append(scored("  planned", rival, arguments.audit))
    report(scores)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", nargs="*", type=Path, metavar="DIR")
    for option in ("--transcript", "--answers"):
        parser.add_argument(option, action="append", default=[], type=Path, metavar="FILE")
    parser.add_argument("--audit", type=int, default=0, metavar="N", help="programs to audit")
    arguments = parser.parse_args()
    if not (arguments.folders or arguments.transcript or arguments.answers):
        parser.error("name a folder of programs, --transcript FILE or --answers FILE")
    return arguments


# --- from files to samples -----------------------------------------------------------------------


def in_folder(folder: Path) -> list[Sample]:
    """The programs of a folder; those of no task of the catalogue are told, and left out."""
    programs, problems = read_programs([folder])
    for source, diagnostic in problems:
        raise InputError(f"{source.name}: {diagnostic.message}")
    samples = []
    for path, source in programs:
        try:
            scene = load(f"{path.parent.name}/{path.stem}")
        except UnknownSceneError:
            print(f"{path}: left out, there is no such task", file=sys.stderr)
            continue
        samples.append(Sample(scene, analyze(source.text, name=source.name, scene=scene)))
    return samples


def in_answers(file: Path) -> list[Sample]:
    """Answers that were collected elsewhere."""
    return sampled(read(file, lambda line: (line["scene"], whole(line["answer"]))))


def in_transcript(file: Path) -> list[Sample]:
    """The first sample of each task; plans and failed requests are no answers."""
    wish = asking_for_plan((Message("system", ""),))[-1].content

    def program(line: dict) -> tuple[str, Answer] | None:
        told = [message["content"] for message in line["messages"] if message["role"] == "user"]
        if "answer" not in line or line["sample"] != 0 or told[-1].endswith(wish):
            return None
        named = SCENE.search("\n".join(told))
        if named is None:
            raise ValueError("the messages name no scene")
        said = line["answer"]
        return named[1], whole(said["text"], Finish(said["finish"]))

    return sampled(read(file, program))


def read(file: Path, answer: Callable[[dict], tuple[str, Answer] | None]) -> Iterator[Said]:
    """What `answer` makes of the lines of JSON in a file, without None."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {file}: {error}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        where = f"{file}:{number}"
        try:
            found = answer(json.loads(line))
        except KeyError as error:
            raise InputError(f"{where}: {error} is missing") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise InputError(f"{where}: {error}") from error
        if found is not None:
            yield (where, *found)


def whole(text: str, finish: Finish = Finish.WHOLE) -> Answer:
    """An answer of which only its text and its end are known."""
    return Answer(text, finish if text.strip() else Finish.EMPTY, Method.NONE, Usage())


def sampled(answers: Iterable[Said]) -> list[Sample]:
    """One sample per scene."""
    by_scene: dict[Scene, list[Answer]] = {}
    for where, scene_id, answer in answers:
        try:
            by_scene.setdefault(load(scene_id), []).append(answer)
        except UnknownSceneError as error:
            raise InputError(f"{where}: there is no scene `{scene_id}`") from error
    return [sample(scene, given) for scene, given in by_scene.items()]


def sample(scene: Scene, answers: Sequence[Answer]) -> Sample:
    """The first valid answer, or else the best."""
    attempts = [judged(answer, Wanted(scene, scene.instruction)) for answer in answers]
    for needed, attempt in enumerate(attempts, start=1):
        if attempt.is_usable:
            return Sample(scene, attempt.analysis, needed)
    best = min(attempts, key=lambda attempt: attempt.badness)
    return Sample(scene, best.analysis, len(answers))


# --- from samples to scores ----------------------------------------------------------------------


@cache
def planners(scene: Scene) -> Analysis:
    """The planner's program of the same task."""
    return planned(Wanted(scene, scene.instruction)).analysis


def scored(name: str, samples: Sequence[Sample], audits: int) -> Score:
    """The row of a set of programs."""
    valid = [sample for sample in samples if sample.program]
    answers = [sample.answers for sample in samples if sample.answers is not None]
    return Score(
        name,
        programs=len(samples),
        valid=len(valid),
        first=sum(sample.answers == 1 for sample in valid) if answers else None,
        answers=mean(answers),
        warnings=mean([warnings(sample) for sample in valid]),
        goal=sum(mentions_goal(sample) for sample in valid),
        changes=statistics.median(map(changes, valid)) if valid else None,
        audit=audited(valid[:audits]) if audits else None,
    )


def mean(values: Sequence[int]) -> float | None:
    return round(statistics.fmean(values), 2) if values else None


def warnings(sample: Sample) -> int:
    """How many a valid program has."""
    assert sample.analysis is not None
    return len(sample.analysis.diagnostics)


def mentions_goal(sample: Sample) -> bool:
    """Whether some `until` or `keep` says each atom of LIBERO's goal."""
    program = sample.program
    assert program is not None
    said: set[tuple[str, ...]] = set()
    for node in ir.walk(program.root):
        if isinstance(node, ir.Stage | ir.Keep):
            expr = node.until if isinstance(node, ir.Stage) else node.expr
            said |= {atom_key(atom) for atom in asserted(expr)}
    return all(goal_key(atom) in said for atom in program.goal)


def changes(sample: Sample) -> int:
    """Differences in meaning from the planner's program."""
    ours = planners(sample.scene).program
    assert ours is not None
    assert sample.program is not None
    return len(differences(ours, sample.program))


def audited(samples: Sequence[Sample]) -> str:
    """How many pass their audit, as `3/5`."""
    from rewardlang.generation.proving import audit_findings
    from rewardlang.simulator import find

    simulator, passed = find(), 0
    for sample in samples:
        assert sample.analysis is not None
        wanted = Wanted(sample.scene, sample.scene.instruction)
        passed += not audit_findings(simulator, sample.analysis.source.text, wanted)
    return f"{passed}/{len(samples)}"


def report(scores: Sequence[Score]) -> None:
    width = max(len(score.name) for score in scores)
    print(" " * width + "".join(f"{column:>10}" for column in COLUMNS))
    for score in scores:
        cells = (getattr(score, column) for column in COLUMNS)
        shown = ("–" if cell is None else cell for cell in cells)
        print(f"{score.name:<{width}}" + "".join(f"{cell:>10}" for cell in shown))
    print(json.dumps({"benchmark": "generation", "scores": [asdict(score) for score in scores]}))


if __name__ == "__main__":
    main()
