"""Report data, charts, page and PDF. Pure: what goes in is loaded, what comes out is not stored."""
