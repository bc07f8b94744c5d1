"""The question bank: its file format, its checks, and the starter bank under `bank/`."""
