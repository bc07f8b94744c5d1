"""Report data, charts, HTML and PDF."""
