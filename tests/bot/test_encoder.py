"""The encoder port: ONNX folders, what is refused, and its vote in the recogniser."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from bot.encoder import EncoderError, OnnxEncoder
from bot.errors import ModelMissingError
from bot.postings import Floats
from bot.recognise import Recogniser, model_path
from bot.training import Row, train, train_rows
from intents.model import Catalogue

WORDS = {"[PAD]": 0, "car": 1, "vehicle": 2, "cat": 3, "feline": 4, "my": 5, "[UNK]": 6}
MEANINGS = np.array(
    [[0, 0, 0], [1, 0, 0.1], [0.9, 0, 0.1], [0, 1, 0.1], [0, 0.9, 0.1], [0, 0, 0.2], [0, 0, 0.1]],
    dtype=np.float32,
)


def write_encoder(
    folder: Path, *, inputs: tuple[str, ...] = ("input_ids", "attention_mask")
) -> None:
    """A sentence-transformers folder whose model looks each token up in `MEANINGS`."""
    folder.mkdir(parents=True)
    tokenizer = Tokenizer(WordLevel(WORDS, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", inputs[0]], ["last_hidden_state"])],
        "lookup",
        [helper.make_tensor_value_info(n, TensorProto.INT64, ["b", "s"]) for n in inputs],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["b", "s", 3])],
        [numpy_helper.from_array(MEANINGS, "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (folder / "onnx").mkdir()
    onnx.save(model, str(folder / "onnx" / "model.onnx"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_encoder(tmp_path / "encoder")
    return tmp_path / "encoder"


def test_rows_are_means_of_length_one_in_the_order_asked(folder: Path) -> None:
    encoder = OnnxEncoder(folder)
    found = encoder.encode(["my car", "cat", "my my my vehicle"])
    assert found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1)
    mean = (MEANINGS[5] + MEANINGS[1]) / 2
    assert np.allclose(found[0], mean / np.linalg.norm(mean), atol=1e-5)
    assert np.allclose(
        found, [encoder.encode([t])[0] for t in ("my car", "cat", "my my my vehicle")]
    )
    assert np.isfinite(encoder.encode(["", "🦖", "car " * 5000])).all()


def test_the_pooling_of_the_folder_is_followed(folder: Path) -> None:
    (folder / "1_Pooling").mkdir()
    config = folder / "1_Pooling" / "config.json"
    config.write_text('{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}')
    first = OnnxEncoder(folder).encode(["cat car"])[0]
    assert np.allclose(first, MEANINGS[3] / np.linalg.norm(MEANINGS[3]), atol=1e-5)
    for told in ('{"pooling_mode_mean_tokens": false}', "[]", "{"):
        config.write_text(told)
        with pytest.raises(EncoderError, match=r"config\.json"):
            OnnxEncoder(folder)


def test_the_fingerprint_follows_the_content(folder: Path) -> None:
    before = OnnxEncoder(folder).fingerprint
    assert OnnxEncoder(folder).fingerprint == before
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, indent=4) + "\n")
    assert OnnxEncoder(folder).fingerprint != before


def test_folders_that_are_no_encoders(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(EncoderError, match=r"no tokenizer\.json"):
        OnnxEncoder(tmp_path / "none")
    (folder / "onnx" / "model.onnx").write_bytes(b"no model")
    with pytest.raises(EncoderError, match="cannot be loaded"):
        OnnxEncoder(folder)
    (folder / "onnx" / "model.onnx").unlink()
    with pytest.raises(EncoderError, match=r"no onnx/model.onnx or model.onnx"):
        OnnxEncoder(folder)
    write_encoder(tmp_path / "other", inputs=("ids",))
    with pytest.raises(EncoderError, match="must take input_ids and attention_mask"):
        OnnxEncoder(tmp_path / "other")


def test_other_words_of_the_same_meaning_are_understood(folder: Path) -> None:
    rows = [
        Row(text=f"{word} {way}", intent=word, language="en")
        for word in ("car", "cat")
        for way in ("my", "my my", "red", "old", "new one", "what now", "today", "is lost")
    ]
    plain = train_rows(rows, "plain").recognise("feline")
    with_meaning = train_rows(rows, "meaning", OnnxEncoder(folder)).recognise("feline")
    assert plain.confidence < 0.55
    assert (with_meaning.intent, with_meaning.confidence > 0.5) == ("cat", True)


class Renamed:
    """An encoder of another content."""

    fingerprint = "other"

    def encode(self, texts: Sequence[str]) -> Floats:
        return np.ones((len(texts), 1), dtype=np.float32)


def test_a_model_is_served_with_its_own_encoder_only(
    catalogue: Catalogue, folder: Path, tmp_path: Path
) -> None:
    encoder = OnnxEncoder(folder)
    path = train(catalogue, tmp_path / "models", encoder)
    assert path == model_path(tmp_path / "models", catalogue.version, encoder.fingerprint)
    assert Recogniser.load(path, encoder).recognise("my refund").intent == "refund"
    for other in (None, Renamed()):
        with pytest.raises(ModelMissingError, match="another encoder; train again"):
            Recogniser.load(path, other)
