"""What fits: refusals that name a way out, and ways out that are one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgrpo.estimates.asked import setting_of
from tgrpo.estimates.cards import CARDS, GB
from tgrpo.estimates.fitting import DoesNotFitError, check_fits, what_fits
from tgrpo.estimates.host import DRAWN_TASK_MEMORY, host_memory
from tgrpo.estimates.memory import Setting, memory_of
from tgrpo.layers import Layer, resolve, settings_layer
from tgrpo.openvla_shapes import PUBLISHED
from tgrpo.trajectory import Camera

SETTINGS = st.builds(
    Setting,
    precision=st.sampled_from(["bfloat16", "float32", "int8"]),
    rank=st.sampled_from([8, 32, 256]),
    arms=st.integers(2, 16),
    evaluation=st.integers(1, 64),
    micro_batch=st.integers(1, 64),
    checkpointing=st.booleans(),
    cards=st.sampled_from([1, 2, 4, 8]),
    sharded=st.booleans(),
    learning=st.booleans(),
    renderers=st.integers(1, 64),
)


@given(SETTINGS, st.floats(1, 200))
def test_what_is_proposed_fits_and_is_another_setting(asked: Setting, gigabytes: float) -> None:
    available = gigabytes * GB
    for change in what_fits(PUBLISHED, asked, available):
        assert change.memory == memory_of(PUBLISHED, change.setting)
        assert change.memory.peak <= available
        assert change.setting.rank == asked.rank  # what is trained stays what it is
        if memory_of(PUBLISHED, asked).peak > available:
            assert change.setting != asked
            assert change.text


@given(SETTINGS, st.floats(1, 200))
def test_it_is_refused_exactly_where_its_peak_is_more_than_there_is(
    asked: Setting, gigabytes: float
) -> None:
    available = gigabytes * GB
    if memory_of(PUBLISHED, asked).peak <= available:
        check_fits(PUBLISHED, asked, available)
        return
    with pytest.raises(DoesNotFitError) as refused:
        check_fits(PUBLISHED, asked, available)
    would = what_fits(PUBLISHED, asked, available)
    for change in would:
        assert f"  {change.text}: " in str(refused.value)
        assert " ".join(change.options) in str(refused.value)
    assert ("nothing that can be set here would fit" in str(refused.value)) == (not would)


def test_the_refusal_names_numbers_and_every_way_out() -> None:
    asked = Setting(arms=8, evaluation=48, checkpointing=False)
    with pytest.raises(DoesNotFitError) as refused:
        check_fits(PUBLISHED, asked, CARDS["rtx-4090"].memory)
    first, parts, *ways = str(refused.value).splitlines()
    assert first.startswith("not enough memory: ")
    assert first.endswith(" of each GPU, 22.4 GiB are there")
    assert "weights 14.0 GiB" in parts
    assert ways[0] == "what would fit:"
    assert any("gradient checkpointing" in way and "evaluations of 8" in way for way in ways)
    assert not any("GPUs" in way for way in ways)  # it is a rollout that does not fit
    few = what_fits(PUBLISHED, Setting(arms=2, evaluation=2, micro_batch=1), 14 * GB)
    assert few[0].options == ("--set openvla.precision=int8",)
    assert [change.text for change in few] == ["8-bit weights"]


def test_more_gpus_are_a_way_out_of_an_update_that_does_not_fit() -> None:
    asked = Setting(arms=8, evaluation=8, micro_batch=32)
    with pytest.raises(DoesNotFitError, match="  4 GPUs that share the weights, under torchrun: "):
        check_fits(PUBLISHED, asked, CARDS["rtx-4090"].memory)


def test_fewer_simulators_are_a_way_out_where_they_draw_on_the_card() -> None:
    asked = Setting(arms=2, evaluation=4, micro_batch=1, renderers=16)
    with pytest.raises(DoesNotFitError) as refused:
        check_fits(PUBLISHED, asked, 21 * GB)
    assert ", drawing 7.5 GiB" in str(refused.value)
    assert "  2 simulator processes: " in str(refused.value)
    assert "(--set workers=2)" in str(refused.value)
    evaluation = replace(asked, learning=False)
    change, *_ = what_fits(PUBLISHED, evaluation, 24 * GB)
    assert change.options == ("--workers 8",)


def test_only_simulators_of_this_machine_draw_on_its_card() -> None:
    def renderers(*options: str, **how: bool) -> int:
        return setting_of(resolve([settings_layer(("workers=5", *options))]), **how).renderers

    assert renderers() == 5
    assert renderers(gpu=False) == renderers(drawing=False) == renderers("backend=ray") == 0


def test_smaller_batches_of_an_evaluation_come_before_smaller_groups() -> None:
    (change, *_) = what_fits(PUBLISHED, Setting(arms=4, evaluation=64), 21 * GB)
    assert change.setting.arms == 4
    assert change.text == "evaluations of 8 episodes at once"


def test_an_evaluation_needs_no_optimiser_and_is_told_its_own_option() -> None:
    asked = Setting(arms=1, evaluation=64, micro_batch=1, learning=False)
    memory = memory_of(PUBLISHED, asked)
    assert (memory.gradients, memory.moments, memory.activations) == (0, 0, 0)
    assert memory.peak < memory_of(PUBLISHED, replace(asked, learning=True)).peak
    with pytest.raises(DoesNotFitError) as refused:
        check_fits(PUBLISHED, asked, 20 * GB)
    text = str(refused.value)
    assert "weights 14.0 GiB, LoRA 0.8 GiB, episodes 12.0 GiB" in text
    assert text.endswith("  evaluations of 8 episodes at once: 17.3 GiB  (--batch-size 8)")
    assert "optimiser" not in text
    assert "torchrun" not in text


def test_where_one_change_does_not_suffice_several_are_proposed() -> None:
    asked = Setting(evaluation=64, checkpointing=False, micro_batch=8)
    (change,) = what_fits(PUBLISHED, asked, 13 * GB)
    assert change.text.startswith("8-bit weights, gradient checkpointing, micro-batches of 1, ")
    assert not what_fits(PUBLISHED, asked, GB)


def test_images_are_bytes_and_only_who_draws_needs_textures() -> None:
    blind = host_memory(workers=3, decisions=100)
    seeing = host_memory(3, 100, (Camera("agentview", 256, 256), Camera("wrist", 128, 64)))
    assert (blind.renderers, blind.images) == (0, 0)
    assert seeing.images == 2 * 100 * 3 * (256 * 256 + 128 * 64)
    assert seeing.peak - blind.peak == seeing.images + 3 * DRAWN_TASK_MEMORY


def test_more_of_anything_never_needs_less() -> None:
    base = memory_of(PUBLISHED, Setting())
    for more in ({"arms": 5}, {"evaluation": 5}, {"micro_batch": 5}, {"rank": 33}, {"prompt": 25}):
        larger = memory_of(PUBLISHED, replace(Setting(), **more))
        assert larger.peak >= base.peak
        assert larger != base


@given(SETTINGS.filter(lambda asked: asked.learning), st.floats(1, 200))
def test_the_options_that_are_named_make_the_setting_that_is_proposed(
    asked: Setting, gigabytes: float
) -> None:
    for change in what_fits(PUBLISHED, asked, gigabytes * GB):
        settings = [text[6:] for text in change.options if text.startswith("--set ")]
        layer = settings_layer(settings)
        base = Layer("test", {"policy.kind": "openvla", "openvla.checkpoint": "x", "sft.steps": 0})
        given = {
            "openvla.precision": asked.precision,
            "openvla.lora_rank": asked.rank,
            "learner.micro_batch": asked.micro_batch,
            "rollout.group_size": asked.arms,
            "evaluation.batch_size": asked.evaluation,
            "workers": asked.renderers,
        }
        found = setting_of(resolve([base, Layer("asked", given), layer]))
        proposed = replace(change.setting, checkpointing=True, cards=1, sharded=False)
        assert found == proposed
