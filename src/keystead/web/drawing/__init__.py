"""Draws graphs of boxes with rows: what is asked to be drawn, where it goes, and the picture as SVG.

Flow: `model_sketch` or `object_sketch` says what there is (`sketch`), `layers` gives every box a column, `lanes` leads
long wires through the columns between, `ordering` and `placing` find the places, `wiring` the ways; `picture` puts it
all together.
Does not: run in the browser, or know a page. A template writes the SVG; colours come from the stylesheet.
"""
