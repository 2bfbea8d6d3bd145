"""Lint files: check each OpenAPI document, and compare documents that describe the same models."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evolink_spec.corpus.reading import read_document
from evolink_spec.corpus.selection import read_sources
from evolink_spec.documents import parse
from evolink_spec.errors import ManySpecError, SpecError
from evolink_spec.overlay import is_overlay

from evolink_check.documents.checks import DocumentCheck
from evolink_check.documents.duplicates import duplicated_models
from evolink_check.documents.findings import LEVELS, Finding, LintReport
from evolink_check.drift.sources import document_of
from evolink_check.reports.positions import Positions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from evolink_spec.corpus.selection import Source
    from evolink_spec.models import Json

    from evolink_check.drift.records import Document


def lint(paths: Sequence[str], *, strict: bool = False) -> LintReport:
    """Lint the OpenAPI documents in these files, folders or glob patterns.

    In a folder, files without an OpenAPI document are skipped. Raises `SpecError` if a path cannot be read.
    """
    documents: list[Document] = []
    findings: list[Finding] = []
    texts: dict[str, str] = {}
    for source in read_sources(paths):
        texts[source.name] = source.data.decode("utf-8", "replace")
        try:
            tree = _parse_document(source)
        except SpecError as error:
            if source.is_named:
                findings.append(Finding("unreadable", source.name, error.pointer, error.problem))
            continue
        document = document_of(source.name, tree)
        documents.append(document)
        own = [*DocumentCheck(document, tree).findings()]
        places = {finding.pointer for finding in own}
        others = [
            finding for finding in _loading_problems(source.name, tree) if finding.pointer not in places
        ]
        findings += [*own, *others]
    findings += duplicated_models(documents)
    return LintReport(len(documents), tuple(_with_lines_by_level(findings, texts)), strict)


def _parse_document(source: Source) -> dict[str, Json]:
    try:
        tree = parse(source.data.decode(), source.name)
    except UnicodeDecodeError as error:
        raise SpecError(source.name, "", f"is not UTF-8 text (byte {error.start})") from error
    if not isinstance(tree, dict) or is_overlay(tree) or not isinstance(tree.get("paths"), dict):
        raise SpecError(source.name, "", "holds no OpenAPI document")
    return tree


def _loading_problems(name: str, tree: dict[str, Json]) -> Iterator[Finding]:
    try:
        document, _ = read_document(name, tree, {})
    except SpecError as error:
        for each in error.errors if isinstance(error, ManySpecError) else (error,):
            yield Finding("unreadable", name, each.pointer, each.problem)
        return
    # for example, an error response without an example cannot be simulated
    for pointer, problem in document.warnings:
        yield Finding("not-simulated", name, pointer, problem)


def _with_lines_by_level(findings: Iterable[Finding], texts: dict[str, str]) -> list[Finding]:
    positions: dict[str, Positions] = {}
    placed: dict[tuple[str, str, str], Finding] = {}
    for finding in findings:
        file = positions.setdefault(
            finding.file, positions.get(finding.file) or Positions(texts[finding.file])
        )
        line = file.line_of(finding.pointer)
        # removes duplicates
        placed.setdefault((finding.file, finding.pointer, finding.text), replace(finding, line=line))
    return sorted(
        placed.values(), key=lambda finding: (LEVELS.index(finding.level), finding.file, finding.line)
    )
