"""Rendered clips in this package, for installations without the library PyAV.

`python -m evolink_mock.media.clips` renders them again. A test compares them with the output of the module `renderer`.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from evolink_spec.extras import install_command

from evolink_mock.media.spec import MediaSpec, media_spec_of

_FOLDER = Path(__file__).parent / "clips"
_CHOICES = [(duration, quality) for duration in (6, 10) for quality in ("480p", "720p")]


class MissingRendererError(OSError):
    """A result file must be rendered, but the library PyAV is not installed."""

    def __init__(self) -> None:
        super().__init__(f"PyAV is not installed: {install_command('media')}")


@cache
def has_renderer() -> bool:
    """Return whether the library PyAV is installed, which renders result files."""
    return find_spec("av") is not None


def clip(spec: MediaSpec) -> Path | None:
    """Return a packaged clip with the spec's duration and size, or None.

    The clip may have any colour.
    """
    path = _FOLDER / _name(spec)
    return path if spec.medium == "video" and not spec.format and path.is_file() else None


def _name(spec: MediaSpec) -> str:
    return f"{spec.width}x{spec.height}-{spec.seconds:g}s.mp4"


def render_all(folder: Path) -> None:
    """Render every packaged clip into `folder`."""
    from evolink_mock.media.renderer import render

    for duration, quality in _CHOICES:
        spec = media_spec_of({"duration": duration, "quality": quality}, "video", 0)
        render(spec, folder / _name(spec))
        (folder / _name(spec)).chmod(0o644)


if __name__ == "__main__":
    render_all(_FOLDER)
