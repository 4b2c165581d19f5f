"""What is closed by `close`, at the latest at the end of a `with` block."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager
from types import TracebackType


class Closing(AbstractContextManager):
    """`close` is called when the block ends, however it ends."""

    @abstractmethod
    def close(self) -> None:
        """Safe to call twice."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
