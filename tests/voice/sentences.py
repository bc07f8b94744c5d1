"""What a candidate may say, with the key terms in it, and how a transcript is scored."""

from __future__ import annotations

import re
from typing import Final

from rapidfuzz.distance import Levenshtein

SENTENCES: Final[list[tuple[str, tuple[str, ...]]]] = [
    (
        "A hash table maps each key to a bucket using a hash function, so a lookup takes constant "
        "time on average.",
        ("hash table", "hash function", "bucket", "constant time"),
    ),
    (
        "When two keys collide, we can chain them in a linked list or use open addressing with "
        "linear probing.",
        ("linked list", "open addressing", "linear probing"),
    ),
    (
        "A B-tree keeps its keys sorted and stays shallow, which means few disk reads for every "
        "query.",
        ("B-tree", "disk reads", "query"),
    ),
    (
        "Merge sort runs in O of n log n time, but it needs extra memory for the temporary arrays.",
        ("merge sort", "O of n log n", "arrays"),
    ),
    (
        "An operation is idempotent if running it twice has the same effect as running it once.",
        ("idempotent",),
    ),
    (
        "The garbage collector traces live objects from the roots and frees everything it cannot "
        "reach.",
        ("garbage collector", "roots"),
    ),
    (
        "I would add a composite index on user id and created at, and then check the query plan.",
        ("composite index", "query plan"),
    ),
    (
        "A deadlock happens when two threads each hold a lock the other one needs.",
        ("deadlock", "threads", "lock"),
    ),
    (
        "PostgreSQL uses multi version concurrency control, so readers do not block writers.",
        ("PostgreSQL", "concurrency control"),
    ),
    (
        "With eventual consistency, replicas may return stale data for a short time.",
        ("eventual consistency", "replicas", "stale data"),
    ),
    (
        "I would put Redis in front of the database as a cache, with a time to live of five "
        "minutes.",
        ("Redis", "cache", "time to live"),
    ),
    (
        "Breadth first search uses a queue, and depth first search uses a stack or recursion.",
        ("breadth first search", "queue", "depth first search", "stack", "recursion"),
    ),
    (
        "The event loop runs one callback at a time, so a blocking call stops every other "
        "coroutine.",
        ("event loop", "callback", "coroutine"),
    ),
    (
        "A foreign key is a constraint that keeps the two tables consistent.",
        ("foreign key", "constraint"),
    ),
    (
        "We retry the request with exponential backoff and a little jitter.",
        ("retry", "exponential backoff", "jitter"),
    ),
    (
        "Polymorphism means that subclasses can override a method of the base class.",
        ("polymorphism", "subclasses", "base class"),
    ),
    (
        "TCP guarantees ordered delivery, while UDP does not, but it has lower latency.",
        ("TCP", "UDP", "latency"),
    ),
    (
        "Dynamic programming stores the answers of overlapping subproblems, which is called "
        "memoization.",
        ("dynamic programming", "subproblems", "memoization"),
    ),
    (
        "A mutex protects shared state, and a semaphore limits how many workers run at once.",
        ("mutex", "semaphore", "workers"),
    ),
    (
        "We shard the table by customer id, so each node holds part of the data.",
        ("shard", "customer id", "node"),
    ),
    (
        "We used Kubernetes with a rolling deployment, so there was no downtime.",
        ("Kubernetes", "rolling deployment", "downtime"),
    ),
    (
        "I wrote unit tests with pytest and mocked the HTTP client.",
        ("unit tests", "pytest", "HTTP client"),
    ),
    (
        "The JSON web token is signed, so the server does not need to store the session.",
        ("JSON web token", "session"),
    ),
    (
        "Binary search needs a sorted array and takes O of log n steps.",
        ("binary search", "sorted array", "O of log n"),
    ),
]

_NUMBERS: Final = {"0": "zero", "1": "one", "2": "two", "3": "three", "4": "four", "5": "five"}


def words(text: str) -> list[str]:
    """What counts in a comparison: letters and digits, hyphens as spaces, digits as words."""
    plain = re.sub(r"[^a-z0-9']+", " ", text.lower().replace("’", "'"))
    return [_NUMBERS.get(word, word) for word in plain.split()]


def holds(text: str, term: str) -> bool:
    return "".join(words(term)) in "".join(words(text))


def word_error_rate(pairs: list[tuple[str, str]]) -> float:
    """Of (said, recognised) pairs: word edits per word said."""
    edits = sum(Levenshtein.distance(words(said), words(heard)) for said, heard in pairs)
    return edits / sum(len(words(said)) for said, _ in pairs)
