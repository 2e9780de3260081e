"""Measurements: what each part costs, beside ceilings and peers. Run by hand or by `keystead bench`, never by pytest."""
