"""Where settings come from, what is wrong in them, and whose key goes where."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewardlang.llm.faults import without_secrets
from rewardlang.llm.model import Method
from rewardlang.llm.providers import Provider
from rewardlang.llm.settings import OPENAI_URL, Settings, SettingsError, settings

KEY = "sk-0123456789abcdef"
OTHER = "https://example.org/v1"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The user's own file, somewhere else than the working folder."""
    return tmp_path / "config.toml"


def found(
    flags: dict | None = None, environment: dict | None = None, config: Path | None = None
) -> Settings:
    chosen = settings(flags or {}, environment or {}, config)
    assert chosen is not None
    return chosen


def key_of(chosen: Settings) -> str | None:
    return chosen.api_key.get_secret_value() if chosen.api_key else None


def problems(*arguments: object) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings(*arguments)
    return str(caught.value).splitlines()


def test_flags_go_before_the_environment_before_the_file(config: Path) -> None:
    config.write_text('[endpoint]\nmodel = "file"\nbase_url = "http://file/v1"\nretries = 1\n')
    environment = {"REWARDLANG_MODEL": "environment", "REWARDLANG_BASE_URL": "http://env/v1/"}
    assert found({}, {}, config) == Settings(model="file", base_url="http://file/v1", retries=1)
    chosen = found({}, environment, config)
    assert (chosen.model, chosen.base_url, chosen.retries) == ("environment", "http://env/v1", 1)
    chosen = found({"model": "flag", "base_url": None}, environment, config)
    assert (chosen.model, chosen.base_url) == ("flag", "http://env/v1")


def test_every_setting_has_a_variable_and_a_line(config: Path) -> None:
    said = {
        "base_url": OTHER, "model": "m", "api_key": KEY, "provider": "llama.cpp",
        "constrain": "json-schema", "timeout": "12.5", "retries": "0", "temperature": "0.25",
    }  # fmt: skip
    assert set(said) == set(Settings.model_fields)
    chosen = found({}, {f"REWARDLANG_{name.upper()}": value for name, value in said.items()})
    assert chosen == Settings(
        base_url=OTHER, model="m", api_key=KEY, provider=Provider.LLAMA_CPP,
        constrain=Method.JSON_SCHEMA, timeout=12.5, retries=0, temperature=0.25,
    )  # fmt: skip
    config.write_text("[endpoint]\n" + "".join(f'{name} = "{said[name]}"\n' for name in said))
    assert found({}, {}, config) == chosen


def test_openais_variables_name_an_endpoint_after_ours() -> None:
    assert found({}, {"OPENAI_BASE_URL": OTHER}).base_url == OTHER
    both = {"OPENAI_BASE_URL": OTHER, "REWARDLANG_BASE_URL": "http://ours/v1"}
    assert found({}, both).base_url == "http://ours/v1"


def test_nothing_named_is_no_endpoint(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, config: Path
) -> None:
    assert settings({"timeout": 5.0, "model": None}, {"OPENAI_API_KEY": KEY}) is None
    config.write_text("[endpoint]\nretries = 3\n")
    assert settings({}, {}, config) is None
    (tmp_path / "work").mkdir()
    for name in ("config.toml", "rewardlang.toml", ".rewardlang.toml", "pyproject.toml", ".env"):
        (tmp_path / "work" / name).write_text('[endpoint]\nbase_url = "https://evil.example/v1"\n')
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    assert settings({}, {}) is None


def test_the_users_file_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("rewardlang.llm.settings.config_file", lambda: tmp_path / "config.toml")
    assert settings({}, {}) is None
    (tmp_path / "config.toml").write_text('[endpoint]\nmodel = "mine"\n')
    assert found().model == "mine"


def test_a_model_alone_is_openais() -> None:
    chosen = found({"model": "gpt"}, {"OPENAI_API_KEY": KEY})
    assert (chosen.base_url, key_of(chosen)) == (OPENAI_URL, KEY)


@pytest.mark.parametrize(
    ("environment", "goes"),
    [
        ({"REWARDLANG_BASE_URL": OPENAI_URL}, True),
        ({"REWARDLANG_BASE_URL": f"{OPENAI_URL}/"}, True),
        ({"OPENAI_BASE_URL": f"{OTHER}/"}, True),
        ({"OPENAI_BASE_URL": OTHER, "REWARDLANG_BASE_URL": OTHER}, True),
        ({"REWARDLANG_BASE_URL": OTHER}, False),
        ({"OPENAI_BASE_URL": OTHER, "REWARDLANG_BASE_URL": "https://example.com/v1"}, False),
        ({"REWARDLANG_BASE_URL": "https://api.openai.com.example.org/v1"}, False),
        ({"REWARDLANG_BASE_URL": "https://api.openai.com@example.org/v1"}, False),
        ({"REWARDLANG_BASE_URL": "http://api.openai.com/v1"}, False),
        ({"OPENAI_BASE_URL": "", "REWARDLANG_BASE_URL": OTHER}, False),
    ],
)
def test_openais_key_goes_to_openais_endpoint_alone(
    environment: dict[str, str], goes: bool
) -> None:
    chosen = found({}, {**environment, "OPENAI_API_KEY": KEY})
    assert key_of(chosen) == (KEY if goes else None)
    ours = {**environment, "OPENAI_API_KEY": KEY, "REWARDLANG_API_KEY": "our-own-key"}
    assert key_of(found({}, ours)) == "our-own-key"


def test_a_key_of_the_file_goes_to_the_files_endpoint_alone(config: Path) -> None:
    there, elsewhere = "http://one/v1", "http://two/v1"
    config.write_text(f'[endpoint]\nbase_url = "{there}"\napi_key = "{KEY}"\n', encoding="utf-8")
    assert key_of(found({}, {}, config)) == KEY
    assert key_of(found({"base_url": f"{there}/", "model": "m"}, {}, config)) == KEY
    assert key_of(found({"base_url": elsewhere}, {}, config)) is None
    assert key_of(found({}, {"REWARDLANG_BASE_URL": elsewhere}, config)) is None
    assert key_of(found({"base_url": elsewhere, "api_key": "its-own"}, {}, config)) == "its-own"


def test_all_problems_are_told_at_once_with_where_they_stand(config: Path) -> None:
    config.write_text(
        '[endpoint]\nmodle = "m"\nretries = 99\n[endpoints]\n[more]\n', encoding="utf-8"
    )
    environment = {"REWARDLANG_TIMEOUT": "soon", "REWARDLANG_CONSTRAIN": "grammer"}
    told = problems({"base_url": "localhost:8000", "temperature": 3.0}, environment, config)
    assert [line.partition(": ")[0] for line in told] == [
        str(config), str(config), "--base-url", "REWARDLANG_CONSTRAIN", "REWARDLANG_TIMEOUT",
        f"{config}, [endpoint] retries", "--temperature", f"{config}, [endpoint] modle",
    ]  # fmt: skip
    assert told[0].endswith("unknown table [endpoints]; there is [endpoint]")
    assert "starts with http:// or https://" in told[2]
    assert "'grammar', 'json-schema' or 'none'" in told[3]
    assert told[7].endswith("there is no such setting; there is model")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"[endpoint", "this is no TOML"),
        (b"\xff\xfe", "this is no TOML"),
        (b"endpoint = 3\n", "`endpoint` is no table; write [endpoint]"),
        (b"[[endpoint]]\n", "`endpoint` is no table; write [endpoint]"),
        (b"[endpoint]\nmodel = 3\n", "[endpoint] model: input should be a valid string"),
        (b"[endpoint]\ntimeout = nan\n", "[endpoint] timeout: input should be"),
        (b"[endpoint]\ntimeout = inf\n", "[endpoint] timeout: input should be"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(config: Path, text: bytes, said: str) -> None:
    config.write_bytes(text)
    (told,) = problems({"base_url": OTHER}, {}, config)
    assert told.startswith(str(config))
    assert said in told


def test_a_file_that_was_asked_for_must_be_there(tmp_path: Path) -> None:
    assert problems({"model": "m"}, {}, tmp_path / "no.toml") == [
        f"{tmp_path / 'no.toml'}: there is no such file"
    ]
    assert problems({"model": "m"}, {}, tmp_path) == [f"{tmp_path}: is a directory"]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x/v1",
        "http://",
        "http://me:open-sesame@[bad/v1",
        "https://me:open-sesame@h:99999/v1",
        "https://h/v1?key=open-sesame",
        "https://h/v1#open-sesame",
    ],
)
def test_an_address_that_is_none_is_said_without_its_password(url: str) -> None:
    (told,) = problems({"base_url": url}, {})
    assert told.startswith("--base-url: ")
    assert "sesame" not in told


def test_a_key_is_sent_without_the_line_end_of_its_file() -> None:
    for flags, environment in (
        ({"model": "m", "api_key": f" {KEY}\r\n"}, {}),
        ({"model": "m"}, {"OPENAI_API_KEY": f"{KEY}\n"}),
    ):
        assert key_of(found(flags, environment)) == KEY
    assert key_of(found({"model": "m"}, {"REWARDLANG_API_KEY": " \n"})) is None


@pytest.mark.parametrize("key", [f"{KEY}\n{KEY}", f"{KEY}ü", f"{KEY}\x00", f"{KEY}\u200b"])
def test_a_key_that_cannot_be_sent_is_told_and_not_shown(key: str) -> None:
    assert problems({"model": "m", "api_key": key}, {}) == [
        "--api-key: it holds characters that no key has"
    ]
    assert problems({"model": "m"}, {"OPENAI_API_KEY": key}) == [
        "OPENAI_API_KEY: it holds characters that no key has"
    ]


def test_settings_show_no_secret() -> None:
    chosen = Settings(base_url="https://me:open%2Dsesame@h.org:81/v1", api_key=KEY)
    assert chosen.address == "https://h.org:81/v1"
    assert KEY not in repr(chosen) + str(chosen) + chosen.model_dump_json()
    said = f"{KEY} me:open%2Dsesame open%2Dsesame open-sesame"
    assert without_secrets(said, chosen.secrets) == "[key] [key] [key] [key]"
    assert without_secrets("a text without any", chosen.secrets) == "a text without any"


DIGITS = st.text("0123456789 ", max_size=40)


@given(DIGITS, st.text("0123456789", min_size=6), DIGITS)
def test_no_secret_is_left(before: str, secret: str, after: str) -> None:
    assert secret not in without_secrets(before + secret + after, ["", secret])
