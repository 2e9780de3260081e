"""Measurements: what each part costs, beside ceilings and peers. Run by `keystead bench`, never by pytest."""
