"""Tests in real Chromium: what only a browser can prove. The browser without a screen is `tests.harness.browser`."""

from tests.harness.browser import Browser, Form, Page, Wire, in_process

__all__ = ["Browser", "Form", "Page", "Wire", "in_process"]
