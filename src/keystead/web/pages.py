"""The pages that the protocol itself shows: what went wrong, and signing out."""

from __future__ import annotations

from keystead.core.http import Reply
from keystead.core.pages import Farewell, Handover, LogoutQuestion, Notice, Problem
from keystead.web.headers import framing_headers, handover_headers
from keystead.web.rendering import SUBMIT_SCRIPT, render


class HtmlPages:
    """The `Pages` of a running issuer."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def problem(self, problem: Problem) -> Reply:
        """Return the error page. Never a redirect, and never a form."""
        headers = ((b"retry-after", str(problem.retry_after).encode()),) if problem.retry_after else ()
        return render(
            "problem.html",
            {"problem": problem},
            base_url=self._base_url,
            realm=problem.realm,
            status=problem.status,
            headers=headers,
        )

    def notice(self, notice: Notice) -> Reply:
        """Return the page that says what was done."""
        return render("notice.html", {"notice": notice}, base_url=self._base_url, realm=notice.realm)

    def hand_over(self, handover: Handover) -> Reply:
        """Return the page that hands an answer on by itself, and by a button where it cannot."""
        page = render(
            "handover.html",
            {"handover": handover, "script": SUBMIT_SCRIPT},
            base_url=self._base_url,
            realm=handover.realm,
        )
        return Reply(page.status, handover_headers(SUBMIT_SCRIPT if handover.fields else ""), page.body)

    def confirm_logout(self, question: LogoutQuestion) -> Reply:
        """Return the page that asks before signing out."""
        return render(
            "logout.html",
            {"question": question},
            base_url=self._base_url,
            realm=question.realm,
            form_target=question.form_target,
        )

    def logged_out(self, farewell: Farewell) -> Reply:
        """Return the page after signing out."""
        page = render("logged_out.html", {"farewell": farewell}, base_url=self._base_url, realm=farewell.realm)
        if not farewell.frames:
            return page
        return Reply(page.status, framing_headers(farewell.frames), page.body)
