"""What TensorFlow makes of a frame, step by step, as OpenVLA's evaluation on LIBERO does it.

Writes `openvla_image.npz` beside this file, for tests/tgrpo/openvla/test_openvla_images.py.
TensorFlow is no part of the project; this was run once, in an environment of its own:

    python -m venv /tmp/golden
    /tmp/golden/bin/pip install tensorflow-cpu==2.21.0 numpy
    python tests/tgrpo/golden/make_image_golden.py frame /tmp/frame.npy  # where tgrpo is
    /tmp/golden/bin/python tests/tgrpo/golden/make_image_golden.py steps /tmp/frame.npy

It says what the published evaluation says, in the operations of TensorFlow that it uses: rotation
by 180 degrees, JPEG and back at the defaults of both operations, Lanczos to 224, the central 90 %
of the area and back to 224.
"""

import json
import sys
from pathlib import Path

import numpy as np

_GOLDEN = Path(__file__).with_name("openvla_image.npz")
_TASK = "libero_object/pick_up_the_milk_and_place_it_in_the_basket"
_SIZE = 224
_AREA = 0.9


def draw(path):
    """The agentview of a task's first training state, rows as LIBERO's observation has them."""
    from tgrpo.simulation.envs import Simulation
    from tgrpo.simulation.initial_states import load_states
    from tgrpo.simulation.rendering import Renderer
    from tgrpo.tasks import find_task
    from tgrpo.trajectory import Camera

    task = find_task(_TASK)
    renderer = Renderer()
    simulation = Simulation(task, renderer=renderer)
    simulation.reset(load_states(task, "train")[0])
    np.save(path, simulation.look((Camera("agentview", 256, 256),))["agentview"])
    simulation.close()
    renderer.close()


def steps(path):
    """Every intermediate result of the published evaluation, on the frame in `path`."""
    import tensorflow as tf

    frame = np.load(path)
    rotated = frame[::-1, ::-1]
    jpeg = tf.image.encode_jpeg(rotated)
    decoded = tf.io.decode_image(jpeg, expand_animations=False, dtype=tf.uint8)
    scaled = tf.image.resize(decoded, (_SIZE, _SIZE), method="lanczos3", antialias=True)
    resized = tf.cast(tf.clip_by_value(tf.round(scaled), 0, 255), tf.uint8)
    np.savez_compressed(
        _GOLDEN,
        frame=frame,
        jpeg=np.frombuffer(jpeg.numpy(), np.uint8),
        decoded=decoded.numpy(),
        resized=resized.numpy(),
        cropped=_cropped(tf, resized).numpy(),
        versions=json.dumps(
            {
                "tensorflow": tf.__version__,
                "numpy": np.__version__,
                "python": sys.version.split()[0],
            }
        ),
    )


def _cropped(tf, image):
    floats = tf.image.convert_image_dtype(image, tf.float32)[None]
    side = tf.clip_by_value(tf.sqrt(_AREA), 0, 1)
    start = (1 - side) / 2
    box = tf.stack([start, start, start + side, start + side])[None]
    crop = tf.image.crop_and_resize(floats, box, tf.range(1), (_SIZE, _SIZE))
    return tf.image.convert_image_dtype(tf.clip_by_value(crop[0], 0, 1), image.dtype, saturate=True)


if __name__ == "__main__":
    {"frame": draw, "steps": steps}[sys.argv[1]](Path(sys.argv[2]))
