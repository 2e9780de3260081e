"""The storage contract, run against every backend. A backend is finished when this folder passes whole."""
