"""The operations of an OpenAPI document as data classes. Missing and malformed parts of the document are ignored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evolink_check.drift.schemas.keywords import followed, joined, local_pointer
from evolink_check.drift.schemas.normalized import Normalizer, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evolink_spec.models import Json

    from evolink_check.drift.records import Document
    from evolink_check.drift.schemas.shapes import Shape

_DEPTHS = (8, 3, 2, 1, 0)
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True, slots=True)
class Content:
    """The documented body of a request or response, for one content type."""

    pointer: str
    shape: Shape | None  # the normalized schema of the body; None if the body has no schema
    examples: Mapping[str, Json] = field(default_factory=dict)  # the examples by their JSON pointers


@dataclass(frozen=True, slots=True)
class Response:
    """A documented response. `headers` maps lower-case header names to their schemas, converted to shapes."""

    pointer: str
    description: str
    contents: Mapping[str, Content]
    headers: Mapping[str, Shape]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the path, the query string or a header."""

    pointer: str
    required: bool
    shape: Shape | None


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of an OpenAPI document."""

    document: Document
    method: str
    path: str
    pointer: str
    id: str
    deprecated: bool
    body_required: bool
    bodies: Mapping[str, Content]
    parameters: Mapping[str, Parameter]
    responses: Mapping[str, Response]
    servers: tuple[str, ...]  # the URLs of the servers
    # The ways to authorize a request, such as `http bearer`; `nothing` if no authorization is needed.
    security: frozenset[str]
    texts: tuple[tuple[str, str], ...]  # the descriptions, each after the JSON pointer to it
    callbacks: Mapping[str, Operation] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """The name of the operation in reports, for example `POST /v1/videos`."""
        return f"{self.method.upper()} {self.path}"

    @property
    def body(self) -> Content | None:
        """The JSON body of the request. If no JSON body is documented, the result is the first documented body.

        The result is None if the request has no body.
        """
        return self.bodies.get("application/json", next(iter(self.bodies.values()), None))

    @property
    def model(self) -> Shape | None:
        """The schema of the property `model` of the request body; None if missing."""
        body = self.body
        return body.shape.properties.get("model") if body and body.shape else None


def operations_of(document: Document) -> list[Operation]:
    """Return every operation of a document, in document order."""
    (operations,) = operations_of_all([document])
    return operations


def operations_of_all(documents: Sequence[Document]) -> list[list[Operation]]:
    """Return the operations of each document, in the order of the documents.

    References (`$ref`) in schemas are followed at most 8 levels deep. If the schemas become too large, fewer levels
    are followed. The number of levels is the same in all documents.
    """
    # schemas can be compared if their references were followed to the same depth
    for depth in _DEPTHS:
        try:
            return [
                [*_Reader(document, depth).operations(_mapping(document.tree.get("paths")), "/paths")]
                for document in documents
            ]
        except TooLargeError:
            continue
    return [[] for _ in documents]


class _Reader:
    def __init__(self, document: Document, depth: int) -> None:
        self._document = document
        self._tree = document.tree
        self._normalizer = Normalizer(document.tree, depth)

    def operations(self, items: Mapping[str, Json], base: str) -> Iterator[Operation]:
        for path, raw in items.items():
            pointer, item = self._resolved(joined(base, path), raw)
            for method in METHODS:
                if isinstance(item.get(method), dict):
                    yield self._operation(method, path, joined(pointer, method), item[method], item)

    def _resolved(self, pointer: str, value: Json) -> tuple[str, dict[str, Json]]:
        # follows a chain of `$ref`
        for _ in range(8):
            target = local_pointer(value.get("$ref")) if isinstance(value, dict) else None
            if target is None:
                break
            pointer, value = target, followed(self._tree, target)[1]
        return pointer, _mapping(value)

    def _operation(
        self, method: str, path: str, pointer: str, value: dict[str, Json], item: dict[str, Json]
    ) -> Operation:
        body_pointer, body = self._resolved(joined(pointer, "requestBody"), value.get("requestBody"))
        servers = value.get("servers") or item.get("servers") or self._tree.get("servers") or []
        return Operation(
            document=self._document,
            method=method,
            path=path,
            pointer=pointer,
            id=str(value.get("operationId", "")),
            deprecated=value.get("deprecated") is True,
            body_required=body.get("required") is True,
            bodies=self._contents(body_pointer, body),
            parameters=self._parameters(pointer, value, item),
            responses={
                str(status): self._response(joined(pointer, "responses", status), response)
                for status, response in _mapping(value.get("responses")).items()
                if not str(status).startswith("x-")
            },
            servers=tuple(str(server.get("url")) for server in servers if isinstance(server, dict)),
            security=self._security(value),
            texts=self._texts(pointer, value, body_pointer, body),
            callbacks=self._callbacks(pointer, value),
        )

    def _texts(
        self, pointer: str, value: dict[str, Json], body_pointer: str, body: dict[str, Json]
    ) -> tuple[tuple[str, str], ...]:
        described = ((pointer, value), (body_pointer, body))
        return tuple(
            (joined(where, "description"), owner["description"])
            for where, owner in described
            if isinstance(owner.get("description"), str)
        )

    def _callbacks(self, pointer: str, value: dict[str, Json]) -> dict[str, Operation]:
        found = {}
        for name, raw in _mapping(value.get("callbacks")).items():
            where, callback = self._resolved(joined(pointer, "callbacks", name), raw)
            for operation in self.operations(callback, where):
                found[f"{name} {operation.method}"] = operation
        return found

    def _contents(self, pointer: str, owner: dict[str, Json]) -> dict[str, Content]:
        contents = {}
        for name, media in _mapping(owner.get("content")).items():
            where = joined(pointer, "content", name)
            schema = _mapping(media).get("schema")
            shape = None if schema is None else self._normalizer.shape(joined(where, "schema"), schema)
            contents[name.partition(";")[0].strip().lower()] = Content(
                where, shape, self._examples(where, _mapping(media))
            )
        return contents

    def _examples(self, pointer: str, media: dict[str, Json]) -> dict[str, Json]:
        examples = {joined(pointer, "example"): media["example"]} if "example" in media else {}
        for name, raw in _mapping(media.get("examples")).items():
            where, example = self._resolved(joined(pointer, "examples", name), raw)
            if "value" in example:
                examples[joined(where, "value")] = example["value"]
        return examples

    def _parameters(
        self, pointer: str, value: dict[str, Json], item: dict[str, Json]
    ) -> dict[str, Parameter]:
        parameters = {}
        for owner, base in ((item, pointer.rpartition("/")[0]), (value, pointer)):
            for index, raw in enumerate(owner.get("parameters") or []):
                where, parameter = self._resolved(joined(base, "parameters", index), raw)
                place, name = str(parameter.get("in")), str(parameter.get("name"))
                schema = parameter.get("schema")
                shape = None if schema is None else self._normalizer.shape(joined(where, "schema"), schema)
                key = f"{place} {name.lower() if place == 'header' else name}"
                parameters[key] = Parameter(where, parameter.get("required") is True, shape)
        return parameters

    def _response(self, pointer: str, raw: Json) -> Response:
        where, response = self._resolved(pointer, raw)
        headers = {}
        for name, value in _mapping(response.get("headers")).items():
            place, header = self._resolved(joined(where, "headers", name), value)
            headers[name.lower()] = self._normalizer.shape(
                joined(place, "schema"), header.get("schema", True)
            )
        return Response(where, str(response.get("description", "")), self._contents(where, response), headers)

    def _security(self, value: dict[str, Json]) -> frozenset[str]:
        required = value.get("security", self._tree.get("security"))
        schemes = _mapping(_mapping(self._tree.get("components")).get("securitySchemes"))
        alternatives = set()
        for requirement in required if isinstance(required, list) else [{}]:
            texts = [
                _authorization_text(name, _mapping(schemes.get(name)), scopes)
                for name, scopes in _mapping(requirement).items()
            ]
            alternatives.add(" and ".join(sorted(texts)) or "nothing")
        return frozenset(alternatives or {"nothing"})


def _authorization_text(name: str, scheme: dict[str, Json], scopes: Json) -> str:
    words = [
        str(scheme[word]).lower() for word in ("type", "scheme", "in", "openIdConnectUrl") if word in scheme
    ]
    # Clients never send the name of a scheme. A renamed scheme must not count as changed.
    words += [str(scheme["name"])] if "name" in scheme else []
    return " ".join([*(words or [name]), *(map(str, scopes) if isinstance(scopes, list) else ())])


def _mapping(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}
