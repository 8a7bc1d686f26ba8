"""What every detector is: something that looks at published images and yields the texts on their faces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from capture360.model import Detection, FaceRef, PublishedImage
from capture360.rules.finding import Finding

ReadFace = Callable[[FaceRef], bytes]
"""The file of a published face, read from CDF."""


class Detector(Protocol):
    """Detects texts. What went wrong or was left out is told in `findings` once the iterator is exhausted."""

    @property
    def engine(self) -> str:
        """What reads, with its version where it tells one."""
        ...

    @property
    def images_at_once(self) -> int:
        """How many images a call is best given."""
        ...

    @property
    def findings(self) -> Sequence[Finding]: ...

    def detect(self, images: Sequence[PublishedImage]) -> Iterator[Detection]: ...
