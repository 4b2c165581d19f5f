"""Our steps from a frame to pixel values against TensorFlow's, on one frame (../golden/)."""

import io
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tgrpo.policies.openvla import images
from tgrpo.policies.openvla.decoding import action_logits, prefix
from tgrpo.policies.openvla.images import (
    DINOV2,
    IMAGE_SIZE,
    SIGLIP,
    Normalisation,
    pixel_values,
    prepared,
    rotated,
    through_jpeg,
    towers_of,
)
from tgrpo.policies.openvla.prompt import aligned
from tgrpo.policies.openvla.resampling import central_crop, lanczos3

GOLDEN = Path(__file__).parents[1] / "golden" / "openvla_image.npz"
# Where a weighted sum falls within rounding of a half: at most 4 values of 150 528 in five frames.
ONE_LEVEL_APART = 1e-4


@pytest.fixture(scope="module")
def steps():
    """Arrays of the golden file by name: the frame, and what TensorFlow made of it."""
    with np.load(GOLDEN) as file:
        return dict(file)


def differences(ours, theirs):
    assert ours.dtype == theirs.dtype == np.uint8
    assert ours.shape == theirs.shape
    return np.abs(ours.astype(int) - theirs)


def test_jpeg_leaves_the_pixels_that_tensorflow_leaves(steps):
    assert differences(through_jpeg(rotated(steps["frame"])), steps["decoded"]).max() == 0


def test_lanczos_is_within_one_level_in_one_value_of_ten_thousand(steps):
    apart = differences(lanczos3(steps["decoded"], IMAGE_SIZE), steps["resized"])
    assert apart.max() <= 1
    assert np.mean(apart > 0) <= ONE_LEVEL_APART


def test_the_central_crop_is_tensorflow_s_to_the_bit(steps):
    assert differences(central_crop(steps["resized"], 0.9), steps["cropped"]).max() == 0


def test_cores_make_images_at_the_same_time_and_each_as_it_is_alone(steps, monkeypatch):
    frames = np.stack([steps["frame"], steps["frame"][::-1], steps["frame"][:, ::-1]])
    alone = [prepared(frame[None])[0] for frame in frames]
    monkeypatch.setattr("tgrpo.torchrun.cores", lambda: len(frames))
    images._threads.cache_clear()
    all_at_once = threading.Barrier(len(frames), timeout=120)

    def meet(frame):
        all_at_once.wait()
        return rotated(frame)

    monkeypatch.setattr(images, "rotated", meet)
    np.testing.assert_array_equal(prepared(frames), np.stack(alone))


def test_all_steps_together(steps):
    apart = differences(prepared(steps["frame"][None])[0], steps["cropped"])
    assert apart.max() <= 1
    assert np.mean(apart > 0) <= ONE_LEVEL_APART


def test_without_random_crops_in_training_nothing_is_cropped(steps):
    apart = differences(prepared(steps["frame"][None], crop=False)[0], steps["resized"])
    assert apart.max() <= 1
    assert np.mean(apart > 0) <= ONE_LEVEL_APART


def test_the_golden_frame_tells_every_shortcut_from_the_right_step(steps):
    decoded, resized, cropped = steps["decoded"], steps["resized"], steps["cropped"]
    pillow = Image.fromarray(decoded).resize((224, 224), Image.Resampling.LANCZOS)
    shortcuts = {
        "no JPEG": (rotated(steps["frame"]), decoded),
        "turned over instead of by 180 degrees": (through_jpeg(steps["frame"][::-1]), decoded),
        "Pillow's Lanczos": (np.asarray(pillow), resized),
        "0.9 of the side": (central_crop(resized, 0.81), cropped),
        "no crop": (resized, cropped),
    }
    for name, (wrong, right) in shortcuts.items():
        assert np.mean(differences(wrong, right) > 0) > 100 * ONE_LEVEL_APART, name


def test_a_frame_is_turned_by_180_degrees():
    frame = np.zeros((256, 256, 3), np.uint8)
    frame[10, 20] = (1, 2, 3)
    assert np.argwhere(rotated(frame)[..., 0]).tolist() == [[245, 235]]


def test_what_is_one_grey_stays_one_grey():
    grey = np.full((1, 256, 256, 3), 117, np.uint8)
    assert np.unique(prepared(grey)).tolist() == [117]


def test_no_image_depends_on_the_others(steps):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, size=(256, 256, 3), dtype=np.uint8)
    together = prepared(np.stack([noise, steps["frame"], noise]))
    assert np.array_equal(together[1], prepared(steps["frame"][None])[0])
    assert np.array_equal(together[0], together[2])


def test_each_tower_has_its_channels_normalised(steps):
    images = torch.from_numpy(steps["cropped"][None])
    values = pixel_values(images)
    assert values.shape == (1, 6, IMAGE_SIZE, IMAGE_SIZE)
    assert values.dtype == torch.float32
    lit = steps["cropped"].astype(np.float64).transpose(2, 0, 1) / 255
    for first, mean, std in (
        (0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),  # ImageNet's, for DINOv2
        (3, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    ):
        wanted = (lit - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
        assert np.abs(values[0, first : first + 3].numpy() - wanted).max() < 1e-6


def test_a_checkpoint_s_own_normalisation_is_the_one_its_code_applies():
    means, stds = [list(DINOV2.mean), list(SIGLIP.mean)], [list(DINOV2.std), list(SIGLIP.std)]
    assert towers_of({"means": means, "stds": stds}) == (DINOV2, SIGLIP)
    stated = [{"inplace": False, "mean": [0.484375, 0.455, 0.406], "std": [0.229, 0.224, 0.225]}]
    assert towers_of({"means": means, "stds": stds, "tvf_normalize_params": stated}) == (
        Normalisation((0.484375, 0.455, 0.406), (0.229, 0.224, 0.225)),
    )


@pytest.fixture
def change(network, golden, steps):
    """A function: the most that another image changes an action logit of the tiny checkpoint.

    Its logits have a standard deviation of 3.3.
    """
    tokens = torch.from_numpy(31999 - golden["generated"][:, -7:])

    @torch.no_grad()
    def logits(image):
        before = prefix(
            network,
            pixel_values(torch.from_numpy(image[None])),
            aligned(golden["input_ids"].tolist()),
        )
        return action_logits(network, before, tokens)

    return lambda image: float((logits(image) - logits(steps["cropped"])).abs().max())


def test_an_action_logit_hardly_changes_with_our_steps(change, steps):
    assert change(prepared(steps["frame"][None])[0]) < 2e-3


def test_one_level_in_one_value_of_ten_thousand_is_two_thousandths_of_a_logit(change, steps):
    rng = np.random.default_rng(0)
    for _ in range(4):
        resized = steps["resized"].copy().reshape(-1)
        at = rng.choice(resized.size, round(ONE_LEVEL_APART * resized.size), replace=False)
        resized[at] = np.where(resized[at] < 128, resized[at] + 1, resized[at] - 1)
        assert change(central_crop(resized.reshape(224, 224, 3), 0.9)) < 2e-3


def test_the_usual_way_to_decode_a_jpeg_would_change_logits(change, steps):
    file = io.BytesIO()
    Image.fromarray(rotated(steps["frame"])).save(file, "JPEG", quality=95)
    accurate = np.asarray(Image.open(file))
    assert change(central_crop(lanczos3(accurate, IMAGE_SIZE), 0.9)) > 0.1
