"""What the checks of one program are given: traces, and what could not be played."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from rewardlang import ir
from rewardlang.auditing.trace import Role, Trace
from rewardlang.simulator import Act

_NO_SUCCESS = "no demonstration succeeded"
_NO_DEMONSTRATION = "no demonstration could be played"
GIVE_DEMOS = "give episodes that succeed with --demos"


@dataclass(frozen=True)
class Evidence:
    """Everything that is known of a program's behaviour.

    own_goal: the program asks for something else than the benchmark does. unplayed: script -> why
    there is no episode of it. max_steps: T_max. An exploit that ends in success is none: its
    traces count as neither successes nor failures.
    """

    program: ir.Program
    own_goal: bool
    traces: tuple[Trace, ...]
    unplayed: Mapping[str, str]
    max_steps: int

    @cached_property
    def acted(self) -> tuple[Trace, ...]:
        """The traces in which something was done."""
        return tuple(trace for trace in self.traces if trace.role is not Role.START)

    @cached_property
    def moved(self) -> tuple[Trace, ...]:
        """Those of them in which the hand moved: what never changes there is never changed."""
        return tuple(trace for trace in self.acted if trace.script != Act.IDLE)

    @cached_property
    def successes(self) -> tuple[Trace, ...]:
        """Demonstrations that succeeded."""
        return tuple(t for t in self.acted if t.role is Role.DEMONSTRATION and t.success)

    @cached_property
    def exploits(self) -> tuple[Trace, ...]:
        """Exploits that did not succeed."""
        return tuple(t for t in self.acted if t.role is Role.EXPLOIT and not t.success)

    @cached_property
    def failures(self) -> tuple[Trace, ...]:
        """Whatever did not succeed: demonstrations and exploits."""
        return tuple(trace for trace in self.acted if not trace.success)

    @property
    def why_no_success(self) -> str:
        """What to say where there are no `successes`."""
        return _NO_DEMONSTRATION if Act.DEMONSTRATION in self.unplayed else _NO_SUCCESS
