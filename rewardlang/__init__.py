"""A small language for stage rewards: text in, reward out. Knows nothing of training.

The public names below are imported on first use, so that `import rewardlang` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rewardlang.api import Analysis, analyze
    from rewardlang.diagnostics import Diagnostic, Severity, render
    from rewardlang.files import read_program
    from rewardlang.fittings import handle_of
    from rewardlang.ir import Program, stages
    from rewardlang.llm.settings import SettingsError
    from rewardlang.llm.settings import settings as endpoint_settings
    from rewardlang.motions import Command, Motion
    from rewardlang.runtime.evaluator import (
        Evaluator,
        Memory,
        RewardFn,
        RewardStep,
        compile,
    )
    from rewardlang.runtime.model_boxes import Box, Frame, body_frame, box_around
    from rewardlang.runtime.model_scene import RegionSite, scene_of
    from rewardlang.runtime.mujoco_state import SnapshotReader
    from rewardlang.runtime.native import native_success
    from rewardlang.scene import (
        HandleBox,
        Joint,
        Object,
        Region,
        Scene,
        SceneError,
        SceneFileError,
        SuiteCatalogue,
        UnknownSceneError,
        suite_scenes,
        suites,
    )
    from rewardlang.scene import load as load_scene
    from rewardlang.scene.bddl import instruction_of
    from rewardlang.simulator import (
        Act,
        OtherSceneError,
        Replay,
        Script,
        SimulatorError,
        UnsupportedCommandError,
        UnsupportedScriptError,
    )
    from rewardlang.source import Source
    from rewardlang.state import BindError, Fact, FactKind, Requirements, Snapshot
    from rewardlang.syntax.formatter import format_program

__version__ = "0.1.0"

# public name -> (module, name there)
_PUBLIC = {
    "Analysis": ("rewardlang.api", "Analysis"),
    "analyze": ("rewardlang.api", "analyze"),
    "Diagnostic": ("rewardlang.diagnostics", "Diagnostic"),
    "Severity": ("rewardlang.diagnostics", "Severity"),
    "render": ("rewardlang.diagnostics", "render"),
    "Evaluator": ("rewardlang.runtime.evaluator", "Evaluator"),
    "compile": ("rewardlang.runtime.evaluator", "compile"),
    "Memory": ("rewardlang.runtime.evaluator", "Memory"),
    "RewardFn": ("rewardlang.runtime.evaluator", "RewardFn"),
    "RewardStep": ("rewardlang.runtime.evaluator", "RewardStep"),
    "RegionSite": ("rewardlang.runtime.model_scene", "RegionSite"),
    "scene_of": ("rewardlang.runtime.model_scene", "scene_of"),
    "body_frame": ("rewardlang.runtime.model_boxes", "body_frame"),
    "box_around": ("rewardlang.runtime.model_boxes", "box_around"),
    "Box": ("rewardlang.runtime.model_boxes", "Box"),
    "Frame": ("rewardlang.runtime.model_boxes", "Frame"),
    "SnapshotReader": ("rewardlang.runtime.mujoco_state", "SnapshotReader"),
    "native_success": ("rewardlang.runtime.native", "native_success"),
    "format_program": ("rewardlang.syntax.formatter", "format_program"),
    "read_program": ("rewardlang.files", "read_program"),
    "handle_of": ("rewardlang.fittings", "handle_of"),
    "SettingsError": ("rewardlang.llm.settings", "SettingsError"),
    "endpoint_settings": ("rewardlang.llm.settings", "settings"),
    "Program": ("rewardlang.ir", "Program"),
    "stages": ("rewardlang.ir", "stages"),
    "Source": ("rewardlang.source", "Source"),
    "HandleBox": ("rewardlang.scene", "HandleBox"),
    "Joint": ("rewardlang.scene", "Joint"),
    "Object": ("rewardlang.scene", "Object"),
    "Region": ("rewardlang.scene", "Region"),
    "Scene": ("rewardlang.scene", "Scene"),
    "SceneError": ("rewardlang.scene", "SceneError"),
    "SceneFileError": ("rewardlang.scene", "SceneFileError"),
    "Command": ("rewardlang.motions", "Command"),
    "Motion": ("rewardlang.motions", "Motion"),
    "Act": ("rewardlang.simulator", "Act"),
    "OtherSceneError": ("rewardlang.simulator", "OtherSceneError"),
    "Replay": ("rewardlang.simulator", "Replay"),
    "Script": ("rewardlang.simulator", "Script"),
    "SimulatorError": ("rewardlang.simulator", "SimulatorError"),
    "UnsupportedCommandError": ("rewardlang.simulator", "UnsupportedCommandError"),
    "UnsupportedScriptError": ("rewardlang.simulator", "UnsupportedScriptError"),
    "BindError": ("rewardlang.state", "BindError"),
    "Fact": ("rewardlang.state", "Fact"),
    "FactKind": ("rewardlang.state", "FactKind"),
    "Requirements": ("rewardlang.state", "Requirements"),
    "Snapshot": ("rewardlang.state", "Snapshot"),
    "SuiteCatalogue": ("rewardlang.scene", "SuiteCatalogue"),
    "UnknownSceneError": ("rewardlang.scene", "UnknownSceneError"),
    "instruction_of": ("rewardlang.scene.bddl", "instruction_of"),
    "load_scene": ("rewardlang.scene", "load"),
    "suite_scenes": ("rewardlang.scene", "suite_scenes"),
    "suites": ("rewardlang.scene", "suites"),
}

__all__ = [
    "Act",
    "Analysis",
    "BindError",
    "Box",
    "Command",
    "Diagnostic",
    "Evaluator",
    "Fact",
    "FactKind",
    "HandleBox",
    "Joint",
    "Memory",
    "Motion",
    "Object",
    "OtherSceneError",
    "Program",
    "Region",
    "RegionSite",
    "Replay",
    "Requirements",
    "RewardFn",
    "RewardStep",
    "Scene",
    "SceneError",
    "SceneFileError",
    "Script",
    "SettingsError",
    "Severity",
    "SimulatorError",
    "Snapshot",
    "SnapshotReader",
    "Source",
    "SuiteCatalogue",
    "UnknownSceneError",
    "UnsupportedCommandError",
    "UnsupportedScriptError",
    "analyze",
    "compile",
    "endpoint_settings",
    "format_program",
    "handle_of",
    "instruction_of",
    "load_scene",
    "native_success",
    "read_program",
    "render",
    "body_frame",
    "box_around",
    "Frame",
    "scene_of",
    "stages",
    "suite_scenes",
    "suites",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
