"""Errors of the catalogue; each names the file, the line and what to do."""


class CatalogueError(Exception):
    """The catalogue cannot be used.

    Args:
        message: what is wrong and how to mend it, in an editor's words.
        file: the file in which it was found, if there is one.
        line: the 1-based line, if known.
    """

    def __init__(self, message: str, *, file: str | None = None, line: int | None = None) -> None:
        self.message = message
        self.file = file
        self.line = line
        super().__init__(self._located())

    def _located(self) -> str:
        if self.file is None:
            return self.message
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message}"
