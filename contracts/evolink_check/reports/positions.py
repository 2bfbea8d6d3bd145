"""Find the line numbers of values in a YAML or JSON file."""

from __future__ import annotations

from typing import Any

import yaml
from evolink_spec.documents import yaml_block
from evolink_spec.pointers import tokens

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Positions:
    """Finds line numbers in a YAML or JSON file.

    A Markdown page with a YAML block is also accepted.
    """

    def __init__(self, text: str) -> None:
        block = yaml_block(text)
        self._first = 1 if block is None else text[: text.find(block)].count("\n") + 1
        try:
            self._root: Any = yaml.compose(text if block is None else block, Loader=_LOADER)
        except (yaml.YAMLError, RecursionError):
            self._root = None

    def line_of(self, pointer: str) -> int:
        """Return the line of the value at a JSON pointer.

        If there is no such value, the line of the closest parent is returned. Returns 0 if the file is not readable
        YAML or JSON.
        """
        node, line = self._root, 0
        if node is not None:
            line = node.start_mark.line + self._first
        for token in tokens(pointer):
            key, node = _child(node, token)
            if node is None:
                break
            line = (key or node).start_mark.line + self._first
        return line


def _child(node: Any, token: str) -> tuple[Any, Any]:
    # Returns the nodes of a key and its value. An item of an array has no key.
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if str(key.value) == token), (None, None))
    if isinstance(node, yaml.SequenceNode) and token.isdecimal() and int(token) < len(node.value):
        return None, node.value[int(token)]
    return None, None
