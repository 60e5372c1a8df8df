"""Settings: each one from both sources, which source wins, and what a wrong one says."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from gateway.settings import Settings, SettingsError, load_settings

# For each setting: as the environment writes it, as the file writes it, and what it becomes.
RIGHT: dict[str, tuple[str, str, Any]] = {
    "data_dir": ("/srv/yingda", '"/srv/yingda"', Path("/srv/yingda")),
    "host": ("0.0.0.0", '"0.0.0.0"', "0.0.0.0"),
    "port": ("9090", "9090", 9090),
    "public_url": ("https://chat.example.com", '"https://chat.example.com"', None),
    "database_url": ("postgresql://y:p@db:5432/y", '"postgresql://y:p@db:5432/y"', None),
    "redis_url": ("redis://cache:6379/0", '"redis://cache:6379/0"', None),
    "encoder_dir": ("/srv/encoder", '"/srv/encoder"', Path("/srv/encoder")),
    "catalogue_dir": ("/srv/intents", '"/srv/intents"', Path("/srv/intents")),
    "admin_email": ("lin@example.com", '"lin@example.com"', None),
    "admin_password": ("ten-letters", '"ten-letters"', None),
    "trusted_proxies": (
        "10.0.0.1, 192.168.0.0/16",
        '["10.0.0.1", "192.168.0.0/16"]',
        ("10.0.0.1", "192.168.0.0/16"),
    ),
    "bus_max_depth": ("500", "500", 500),
    "turn_cap": ("3", "3", 3),
    "turn_seconds": ("2.5", "2.5", 2.5),
    "time_zone": ("Europe/Berlin", '"Europe/Berlin"', None),
    "rasa_url": ("http://rasa:5005", '"http://rasa:5005"', None),
    "rasa_token": ("t", '"t"', None),
    "llm_url": ("https://llm.example/v1", '"https://llm.example/v1"', None),
    "llm_model": ("small", '"small"', None),
    "llm_key": ("k", '"k"', None),
    "llm_answers": ("yes", "true", True),
    "llm_seconds": ("2.5", "2.5", 2.5),
    "llm_daily_tokens": ("1000", "1000", 1000),
    "llm_daily_cost": ("2.5", "2.5", 2.5),
    "llm_price_in": ("0.5", "0.5", 0.5),
    "llm_price_out": ("1.5", "1.5", 1.5),
    "log_level": ("debug", '"debug"', "debug"),
    "log_json": ("yes", "true", True),
}

# What another setting asks for.
NEEDED = {
    "llm_answers": {"YINGDA_LLM_URL": "https://llm.example/v1", "YINGDA_LLM_MODEL": "small"},
    "llm_daily_cost": {"YINGDA_LLM_PRICE_OUT": "1"},
}


def from_file(tmp_path: Path, text: str, **environ: str) -> Settings:
    path = tmp_path / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings({"YINGDA_CONFIG": str(path), **environ})


def message_of(error: pytest.ExceptionInfo[SettingsError]) -> str:
    """What the operator reads, which must be one line."""
    message = str(error.value)
    assert "\n" not in message
    return message


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory without a settings file."""
    monkeypatch.chdir(tmp_path)


def test_every_setting_is_in_the_table() -> None:
    assert set(RIGHT) == {field.name for field in fields(Settings)}


def test_every_setting_says_what_it_is_for() -> None:
    for field in fields(Settings):
        assert field.metadata["doc"].endswith("."), field.name


@pytest.mark.parametrize("name", RIGHT)
def test_each_setting_from_the_environment(name: str) -> None:
    text, _, value = RIGHT[name]
    settings = load_settings({f"YINGDA_{name.upper()}": text, **NEEDED.get(name, {})})
    assert getattr(settings, name) == (value if value is not None else text)
    assert getattr(settings, name) != getattr(load_settings({}), name)


@pytest.mark.parametrize("name", RIGHT)
def test_each_setting_from_the_file(name: str, tmp_path: Path) -> None:
    text, written, value = RIGHT[name]
    settings = from_file(tmp_path, f"{name} = {written}\n", **NEEDED.get(name, {}))
    assert getattr(settings, name) == (value if value is not None else text)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    settings = from_file(tmp_path, "port = 1111\nturn_cap = 4\n", YINGDA_PORT="2222")
    assert (settings.port, settings.turn_cap) == (2222, 4)


@pytest.mark.parametrize(
    ("environ", "port"),
    [
        ({"PORT": "3333"}, 3333),
        ({"PORT": "3333", "YINGDA_PORT": "4444"}, 4444),
        ({"PORT": ""}, 8080),
        ({}, 8080),
    ],
)
def test_port_is_what_platforms_set(environ: dict[str, str], port: int) -> None:
    assert load_settings(environ).port == port


def test_port_wins_over_the_file(tmp_path: Path) -> None:
    assert from_file(tmp_path, "port = 1111\n", PORT="3333").port == 3333


def test_a_file_in_the_working_directory_is_read(tmp_path: Path) -> None:
    (tmp_path / "yingda.toml").write_text("turn_cap = 5\n")
    assert load_settings({}).turn_cap == 5


def test_a_named_file_replaces_the_one_in_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "yingda.toml").write_text("turn_cap = 5\n")
    assert from_file(tmp_path, "bus_max_depth = 200\n").turn_cap == 12


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "no"),
        ("port", "0"),
        ("port", "65536"),
        ("port", "80.5"),
        ("public_url", "chat.example.com"),
        ("public_url", "ftp://chat.example.com"),
        ("public_url", "http://[::1"),
        ("database_url", "mysql://db/y"),
        ("database_url", "postgresql://db:many/y"),
        ("redis_url", "http://cache"),
        ("redis_url", "redis://cache:many/0"),
        ("admin_email", "lin"),
        ("admin_password", "short"),
        ("trusted_proxies", "proxy.example.com"),
        ("trusted_proxies", "10.0.0.1,10.0.0.0/64"),
        ("bus_max_depth", "99"),
        ("bus_max_depth", "many"),
        ("turn_cap", "0"),
        ("turn_cap", "-3"),
        ("turn_seconds", "0"),
        ("turn_seconds", "121"),
        ("turn_seconds", "nan"),
        ("turn_seconds", "soon"),
        ("llm_seconds", "0.1"),
        ("llm_seconds", "nan"),
        ("llm_daily_tokens", "-1"),
        ("llm_daily_tokens", "many"),
        ("llm_daily_cost", "nan"),
        ("llm_daily_cost", "5"),  # there are no prices
        ("llm_price_in", "-1"),
        ("llm_answers", "perhaps"),
        ("log_level", "loud"),
        ("log_json", "perhaps"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as error:
        load_settings({f"YINGDA_{name.upper()}": value})
    assert message_of(error).startswith(f"YINGDA_{name.upper()} must be ")


def test_answers_by_a_model_need_a_model() -> None:
    environ = {"YINGDA_LLM_ANSWERS": "true", "YINGDA_LLM_URL": "https://llm.example/v1"}
    with pytest.raises(SettingsError, match="YINGDA_LLM_MODEL must be set where"):
        load_settings(environ)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("data_dir", "5"),
        ("host", "5"),
        ("port", "true"),
        ("port", "8080.5"),
        ("port", "[1]"),
        ("turn_cap", "2.5"),
        ("turn_seconds", "true"),
        ("turn_seconds", "[1]"),
        ("log_json", "3"),
        ("trusted_proxies", "7"),
        ("trusted_proxies", '["nowhere"]'),
        ("admin_password", "1234567890"),
    ],
)
def test_a_wrong_type_in_the_file_is_named(name: str, written: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        from_file(tmp_path, f"{name} = {written}\n")
    assert message_of(error).startswith(f"YINGDA_{name.upper()} must be ")


def test_a_wrong_password_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as error:
        load_settings({"YINGDA_ADMIN_PASSWORD": "hunter2"})
    assert "hunter2" not in message_of(error)


def test_an_unknown_variable_is_named_with_the_known_ones() -> None:
    with pytest.raises(SettingsError) as error:
        load_settings({"YINGDA_PROT": "8080"})
    assert message_of(error).startswith("YINGDA_PROT is no setting.")
    assert "YINGDA_PORT" in message_of(error)


def test_an_unknown_name_in_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        from_file(tmp_path, "[server]\nport = 80\n")
    assert ".toml: server is no setting." in message_of(error)


def test_other_programs_variables_are_none_of_our_business() -> None:
    assert load_settings({"PATH": "/bin", "XYINGDA_PORT": "1"}) == load_settings({})


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"port = \n", "is not valid TOML"), (b"host = '\xff'\n", "cannot be read"), (None, "read")],
)
def test_a_bad_file_is_named(content: bytes | None, says: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError) as error:
        load_settings({"YINGDA_CONFIG": str(path)})
    assert str(path) in message_of(error)
    assert says in message_of(error)


def test_a_folder_as_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        load_settings({"YINGDA_CONFIG": str(tmp_path)})
    assert str(tmp_path) in message_of(error)


def test_without_an_address_the_database_lies_in_the_data_folder(tmp_path: Path) -> None:
    settings = load_settings({"YINGDA_DATA_DIR": "here"})
    assert settings.database == f"sqlite:///{tmp_path}/here/yingda.db"
    assert settings.uses_sqlite


def test_a_server_as_the_database() -> None:
    settings = load_settings({"YINGDA_DATABASE_URL": "postgresql://db/y"})
    assert settings.database == "postgresql://db/y"
    assert not settings.uses_sqlite
