"""Where the parser stands in the text: one token ahead, and the verbs to demand what must come next."""

from __future__ import annotations

from typing import NoReturn

from keystead.authz.errors import ModelError, Problem, Span
from keystead.authz.language.tokens import END, MARK, NEWLINE, WORD, Scanner, Token


class Cursor:
    """The next token of a model and how to move on."""

    def __init__(self, text: str, file: str = "") -> None:
        self._scanner = Scanner(text, file)
        self.token = self._scanner.next()

    def advance(self) -> Token:
        """Return the token stood on and move to the next."""
        passed, self.token = self.token, self._scanner.next()
        return passed

    def at(self, text: str) -> bool:
        """Tell whether the next token is this word or mark."""
        return self.token.kind in (WORD, MARK) and self.token.text == text

    def word(self, text: str, remedy: str) -> Token:
        """Demand a keyword."""
        if self.token.kind != WORD or self.token.text != text:
            self.fail(f"`{text}`", remedy)
        return self.advance()

    def mark(self, text: str, remedy: str) -> Token:
        """Demand a mark."""
        if self.token.kind != MARK or self.token.text != text:
            self.fail(f"`{text}`", remedy)
        return self.advance()

    def name(self, what: str, remedy: str) -> Token:
        """Demand a name; keywords are names too where a name is due."""
        if self.token.kind != WORD:
            self.fail(what, remedy)
        return self.advance()

    def newline(self, remedy: str) -> None:
        """Demand the end of the line and pass any empty lines after it. The end of the text will do."""
        if self.token.kind not in (NEWLINE, END):
            self.fail("the end of the line", remedy)
        self.skip_newlines()

    def skip_newlines(self) -> None:
        """Pass empty lines."""
        while self.token.kind == NEWLINE:
            self.advance()

    def braced_text(self) -> tuple[str, Span]:
        """Return what stands between `{`, which is the next token, and the `}` that closes it, and where it begins.

        White space around it is left out.
        """
        opening = self.token
        if not self.at("{"):
            self.fail("`{`", "write the expression between braces")
        body = self._scanner.take_braced()
        if body is None:
            raise ModelError([Problem("nothing closes this `{`.", opening.span, "syntax", "add a `}`", "{")])
        self.token = self._scanner.next()
        text, before = body.strip(), body[: len(body) - len(body.lstrip())]
        line, newline = opening.span.line + before.count("\n"), before.rfind("\n")
        column = len(before) - newline if newline >= 0 else opening.span.end + len(before)
        return text, Span(line, column, column + len(text.partition("\n")[0]), opening.span.file)

    def fail(self, expected: str, remedy: str) -> NoReturn:
        """Say what should have stood here. Raises: ModelError, always."""
        message = f"expected {expected}, found {self.token}."
        raise ModelError([Problem(message, self.token.span, "syntax", remedy, self.token.text)])
