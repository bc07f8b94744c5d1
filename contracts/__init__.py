"""What passes between processes and rooms: pydantic models on the standard library alone.

Two kinds live here. `interview`, `conversation` and `activities` are serialised into Temporal
histories and hold ids, counters, enums and times, never a text somebody said or wrote (a test walks
every workflow and activity signature). `questions`, `grades`, `turns` and `report` carry texts
between rooms of one process and to the database, `manner` a name; they never enter a history.
"""
