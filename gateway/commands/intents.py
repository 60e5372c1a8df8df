"""`yingda intents check`: what is wrong in the catalogue, in an editor's words."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from gateway.settings import Settings
from gateway.wiring.bot import catalogue_dir
from intents.errors import CatalogueError
from intents.findings import Severity
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
        print(f"{finding.severity.value}: {finding.place}: {finding.message} {finding.remedy}")
    utterances = sum(len(i.utterances) for i in catalogue.intents)
    print(
        f"{len(catalogue.intents)} intents, {utterances} utterances, "
        f"{len(catalogue.articles)} articles: {errors} errors, {len(findings) - errors} warnings"
    )
    return 1 if errors else 0
