"""Pages: routers, templates and plain ES modules."""
