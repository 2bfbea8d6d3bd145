"""Find the models that were removed, added or renamed, and the changed aliases.

An alias is a former name of a model that an operation still accepts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolink_spec.operation_parts.prose import aliases_in
from evolink_spec.pointers import Node

from evolink_check.drift.prose.aliases import stated_aliases, stated_targets
from evolink_check.drift.records import Change

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evolink_check.drift.pairs.operations import Operation
    from evolink_check.drift.records import Place, Verdict
    from evolink_check.drift.schemas.shapes import Shape


@dataclass(frozen=True, slots=True)
class Catalog:
    """The models of one version of the documents, each with its operation."""

    models: dict[str, Operation]
    # The current name of the model for each alias, and the operation that accepts the alias.
    aliases: dict[str, tuple[str, Operation]]


def catalog_of(operations: Sequence[Operation]) -> Catalog:
    """Return the models of these operations, and the accepted aliases.

    A model of several operations belongs to the operation with the fewest models.
    """
    models: dict[str, Operation] = {}
    aliases: dict[str, tuple[str, Operation]] = {}
    for operation in sorted(operations, key=lambda operation: len(models_of(operation))):
        names = models_of(operation)
        for name in names:
            models.setdefault(name, operation)
        for old, new in _current_names_by_alias(operation, names).items():
            aliases.setdefault(old, (new, operation))
    return Catalog(models, {old: new for old, new in aliases.items() if old not in models})


def models_of(operation: Operation) -> tuple[str, ...]:
    """Return the models that an operation lists.

    If the property `model` lists no values, the result is its default value.
    """
    shape = operation.model
    if shape is None:
        return ()
    listed = [value for branch in shape.branches for value in branch.values or ()]
    return tuple(str(name) for name in listed or shape.notes.defaults if isinstance(name, str))


def accepted_models(operation: Operation) -> frozenset[str]:
    """Return the models of an operation and the aliases that the operation accepts."""
    names = models_of(operation)
    return frozenset((*names, *_current_names_by_alias(operation, names)))


def _current_names_by_alias(operation: Operation, names: Sequence[str]) -> dict[str, str]:
    shape = operation.model
    if shape is None or not names:
        return {}
    info = operation.document.tree.get("info")
    description = info.get("description") if isinstance(info, dict) else None
    own = [text for _, text in shape.notes.texts]
    others = [text for _, text in operation.texts] + [operation.document.text]
    others += [description] if isinstance(description, str) else []
    aliases: dict[str, str] = {}
    for text in (*others, *own):
        aliases |= stated_aliases(text, names)
    for text in own:
        aliases |= aliases_in(Node({}, operation.document.file, "", {"description": text}), names)
    current = {name for text in (*others, *own) for name in stated_targets(text)}
    stated = {old: new for old, new in aliases.items() if old not in current}
    # later sources take precedence: other descriptions, the description of `model`, the overlay
    return {**stated, **dict(shape.notes.aliases)}


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """Compares the models of two versions of the documents."""

    old: Catalog
    new: Catalog
    partners: dict[
        int, Operation
    ]  # the new version of each old operation, by the Python `id()` of the old one

    def changes(self) -> Iterator[Change]:
        """Yield every change of the models and of the aliases."""
        renamed = set()
        for name in self.old.models:
            if name not in self.new.models:
                renamed.add(self.new.aliases.get(name, ("", None))[0])
                yield self._gone(name)
            elif self.old.models[name].path != self.new.models[name].path:
                yield self._moved(name)
        for name, operation in self.new.models.items():
            if name not in self.old.models:
                text, reason = f"model {name} was added", "requests for the other models are not affected"
                if name in renamed:
                    reason = "it is the new name of a model"
                elif name in self.old.aliases:
                    reason = "the name was accepted before"
                yield self._change("model-added", "non-breaking", name, text, reason, None, operation)
        yield from self._aliases()

    def _gone(self, name: str) -> Change:
        old = self.old.models[name]
        partner = self.partners.get(id(old))
        if name in self.new.aliases:
            target, operation = self.new.aliases[name]
            text, reason = f"model {name} is now {target}", "the old name is still accepted"
            return self._change("model-renamed", "non-breaking", name, text, reason, old, operation, target)
        text, reason = f"model {name} was removed", "requests that name it are refused"
        return self._change("model-removed", "breaking", name, text, reason, old, partner)

    def _moved(self, name: str) -> Change:
        old, new = self.old.models[name], self.new.models[name]
        text = f"model {name} is now at {new.subject}, was at {old.subject}"
        return self._change(
            "model-moved", "breaking", name, text, "requests to the old address get a 404", old, new
        )

    def _aliases(self) -> Iterator[Change]:
        old, new = self.old.aliases, self.new.aliases
        for name, (target, operation) in old.items():
            partner = self.partners.get(id(operation))
            if name not in new and name not in self.new.models:
                text, reason = (
                    f"the older name {name} of {target} is no longer stated",
                    "requests that name it may be refused",
                )
                yield self._change("alias-removed", "breaking", name, text, reason, operation, partner)
            elif name in new and new[name][0] != target and target in self.new.models:
                text = f"the older name {name} now means {new[name][0]}, was {target}"
                reason = "requests that name it get another model"
                yield self._change("alias-changed", "breaking", name, text, reason, operation, new[name][1])
        for name, (target, operation) in new.items():
            if name not in old and name not in self.old.models:
                text, reason = (
                    f"the name {name} is accepted for {target}",
                    "no request that was accepted is affected",
                )
                yield self._change("alias-added", "non-breaking", name, text, reason, None, operation)

    def _change(  # noqa: PLR0913, PLR0917  (the fields of a change)
        self,
        kind: str,
        verdict: Verdict,
        name: str,
        text: str,
        reason: str,
        old: Operation | None,
        new: Operation | None,
        now: str = "",
    ) -> Change:
        is_new = kind in {"model-added", "alias-added"}
        values = ("", name) if is_new else (name, now)
        operation = new or old
        subject = operation.subject if operation else ""
        return Change(
            kind, "model", verdict, subject, "model", text, reason, _place(old), _place(new), *values
        )


def _place(operation: Operation | None) -> Place | None:
    if operation is None:
        return None
    shape: Shape | None = operation.model
    return operation.document.place(shape.pointer if shape else operation.pointer)
