"""`yingda intents check|import|export|tree`: the catalogue as files."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bot.trees import describe_tree
from gateway.settings import Settings
from gateway.wiring.bot import catalogue_dir
from intents.errors import CatalogueError
from intents.exchange import RefusedError, export_catalogue, import_catalogue
from intents.findings import Finding, Severity
from intents.loading import load_catalogue
from intents.validation import check_catalogue


def check(arguments: argparse.Namespace, settings: Settings) -> int:
    """Prints the findings; 1 when there is an error among them."""
    folder = Path(arguments.folder) if arguments.folder else catalogue_dir(settings)
    try:
        catalogue = load_catalogue(folder)
    except CatalogueError as error:
        print(f"yingda: {error}", file=sys.stderr)
        return 1
    findings = check_catalogue(catalogue)
    errors = sum(f.severity is Severity.ERROR for f in findings)
    if arguments.json:
        rows = [
            {
                "severity": f.severity.value,
                "place": f.place,
                "message": f.message,
                "remedy": f.remedy,
            }
            for f in findings
        ]
        print(json.dumps({"version": catalogue.version, "findings": rows}, ensure_ascii=False))
        return 1 if errors else 0
    for finding in findings:
        print(_told(finding))
    utterances = sum(len(i.utterances) for i in catalogue.intents)
    print(
        f"{len(catalogue.intents)} intents, {utterances} utterances, "
        f"{len(catalogue.articles)} articles: {errors} errors, "
        f"{sum(f.severity is Severity.WARNING for f in findings)} warnings"
    )
    return 1 if errors else 0


def bring(arguments: argparse.Namespace, settings: Settings) -> int:
    """Imports a Rasa project or a table into the catalogue folder, whole or not at all."""
    folder = Path(arguments.into) if arguments.into else settings.catalogue_dir
    if folder is None:
        print(
            "yingda: the sample catalogue is part of the program; name your own folder with "
            "--into, and set YINGDA_CATALOGUE_DIR to it",
            file=sys.stderr,
        )
        return 1
    try:
        catalogue, findings = import_catalogue(Path(arguments.source), folder)
    except RefusedError as error:
        for finding in error.findings:
            print(_told(finding), file=sys.stderr)
        print(f"yingda: {error}", file=sys.stderr)
        return 1
    except (CatalogueError, OSError) as error:
        print(f"yingda: {error}; nothing was imported", file=sys.stderr)
        return 1
    for finding in findings:
        print(_told(finding))
    print(f"imported {len(catalogue.intents)} intents into {folder}")
    return 0


def export(arguments: argparse.Namespace, settings: Settings) -> int:
    """Exports the catalogue in force."""
    target = Path(arguments.target)
    try:
        catalogue = load_catalogue(catalogue_dir(settings))
        export_catalogue(catalogue, target)
    except (CatalogueError, OSError) as error:
        print(f"yingda: {error}", file=sys.stderr)
        return 1
    print(f"exported {len(catalogue.intents)} intents to {target}")
    return 0


def tree(arguments: argparse.Namespace, settings: Settings) -> int:
    """Prints a guided diagnosis as an outline, or what is needed to draw it."""
    try:
        trees = {each.name: each for each in load_catalogue(catalogue_dir(settings)).trees}
    except CatalogueError as error:
        print(f"yingda: {error}", file=sys.stderr)
        return 1
    if arguments.name not in trees:
        known = ", ".join(trees) or "none"
        print(f"yingda: there is no tree {arguments.name}; known: {known}", file=sys.stderr)
        return 1
    drawn = describe_tree(trees[arguments.name], arguments.lang)
    if arguments.json:
        print(json.dumps(drawn, ensure_ascii=False))
        return 0
    print(drawn["title"])
    for node in drawn["nodes"]:
        print(f"{node['id']} [{node['kind']}] {node['label']}")
        for edge in drawn["edges"]:
            if edge["from"] == node["id"]:
                print(f"    {edge['label']} -> {edge['to']}")
    return 0


def _told(finding: Finding) -> str:
    remedy = f"; {finding.remedy}" if finding.remedy else ""
    return f"{finding.severity.value}: {finding.place}: {finding.message}{remedy}"
