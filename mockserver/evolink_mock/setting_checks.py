"""Load the OpenAPI documents of the settings, and check the settings for contradictions."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

from evolink_spec.extras import install_command
from evolink_spec.options.suggestions import did_you_mean

from evolink_mock.http.cross_origin import NONE, parse_origin
from evolink_mock.http.errors import ApiError
from evolink_mock.recipes.registry import RecipeRegistry, statuses_of
from evolink_mock.setting_values import SettingError

if TYPE_CHECKING:
    from pathlib import Path

    from evolink_spec import Spec

    from evolink_mock.settings import Settings

_MODEL_CUTOFF = 0.5  # so that the beginning of a long model name is similar enough


def load_documents(settings: Settings) -> Spec:
    """Load the OpenAPI documents that the settings name.

    Raises `SpecError` if a document is invalid, and ValueError if a setting is invalid.
    """
    from evolink_spec import load

    paths = (*settings.only_spec, *settings.spec)
    spec = load(*paths, with_built_in=bool(paths) and not settings.only_spec)
    check(settings, spec)
    return spec


def check(settings: Settings, spec: Spec) -> None:
    """Raise `SettingError` if a setting contradicts the OpenAPI documents or another setting."""
    if settings.recipe is not None:
        sequence = RecipeRegistry(statuses_of(spec), spec.failures).find(settings.recipe)
        if isinstance(sequence, ApiError):
            raise SettingError("recipe", sequence.detail)
        if "token" not in settings.recipes.split(","):  # the setting is resolved like a recipe in a token
            raise SettingError("recipe", "has no effect unless the sources of recipes include token")
    if NONE in (origins := set(map(parse_origin, settings.cors))) and len(origins) > 1:
        raise SettingError("cors", "off cannot be combined with an origin")
    if settings.offline and settings.proxy_port is None:
        raise SettingError("offline", "has no effect without a proxy port")
    if settings.metrics and find_spec("prometheus_client") is None:
        raise SettingError("metrics", f"requires prometheus_client: {install_command('metrics')}")
    served = {model for by_model in spec.creates.values() for model in by_model if model}
    for model in sorted(settings.denied_models - served):
        raise SettingError(
            "denied_models", f"{model!r} is not served{did_you_mean(model, served, cutoff=_MODEL_CUTOFF)}"
        )


def check_port_file(path: Path) -> None:
    """Raise `SettingError` if the mock cannot write its port to the file `path`."""
    from tempfile import TemporaryFile

    if path.is_dir():
        raise SettingError("port_file", f"{path} is a folder; name a file")
    if path.exists() and not path.is_file():
        return  # only writing to a device or a pipe shows whether this is possible
    try:
        with TemporaryFile(dir=path.resolve().parent):
            pass
    except OSError as error:
        raise SettingError("port_file", f"cannot write in {path.parent}: {error.strerror}") from error


def check_workers(workers: int, settings: Settings) -> None:
    """Raise `SettingError` if this number of worker processes is not possible.

    Several workers need a shared store, and an operating system with `fork`.
    """
    if workers > 1 and settings.store == "memory":
        raise SettingError(
            "workers", "several processes need a shared store, such as sqlite:FILE or redis://HOST"
        )
    if workers > 1 and not hasattr(os, "fork"):
        raise SettingError("workers", "this system cannot run several processes over one listening socket")


def ca_folder(settings: Settings) -> Path:
    """Return the folder of the certificate authority. The default is `~/.local/share/evolink-mock` on Linux.

    Raises `SettingError` if the default is needed and the user has no home folder.
    """
    if settings.ca_dir is not None:
        return settings.ca_dir
    from platformdirs import user_data_path

    try:
        return user_data_path("evolink-mock", appauthor=False)
    except RuntimeError as error:
        raise SettingError("ca_dir", "required, because this user has no home folder") from error
