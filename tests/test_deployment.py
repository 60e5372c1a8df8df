"""The container files and the wheel: what can be proven about them without a container engine."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from gateway.settings import Settings, load_settings
from gateway.wiring.process import RoleName

ROOT = Path(__file__).parent.parent
SECRETS = {
    "POSTGRES_PASSWORD": "s3cretPostgres",
    "REDIS_PASSWORD": "s3cretRedis",
    "ADMIN_PASSWORD": "s3cretAdministrator",
    "PUBLIC_URL": "https://chat.example.com",
}


class UnsetVariableError(Exception):
    """Compose would refuse to start, with this message."""


def compose(environ: dict[str, str]) -> dict[str, Any]:
    """Read docker-compose.yml as compose does: variables put in, defaults and errors applied."""

    def value(match: re.Match[str]) -> str:
        name, operator, rest = match[1], match[2], match[3]
        if environ.get(name):
            return environ[name]
        if operator == ":-":
            return rest
        raise UnsetVariableError(f"{name}: {rest}")

    def put_in(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: put_in(child) for key, child in node.items()}
        if isinstance(node, list):
            return [put_in(child) for child in node]
        if isinstance(node, str):
            return re.sub(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}", value, node)
        return node

    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    document: dict[str, Any] = put_in(YAML(typ="safe").load(text))
    return document


def dockerfile() -> str:
    """Return the Dockerfile with its continued lines joined and its comments gone."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"\\\n\s*", "", text)


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.*)$", dockerfile(), re.MULTILINE)


def test_compose_runs_gateway_worker_postgres_and_redis() -> None:
    services = compose(SECRETS)["services"]
    assert set(services) == {"gateway", "worker", "postgres", "redis"}
    roles: list[str] = []
    for name in ("gateway", "worker"):
        verb, option, value = services[name]["command"]
        assert (verb, option) == ("serve", "--role")
        roles += value.split(",")
    assert sorted(roles) == sorted(RoleName), "each role runs in exactly one service"


def test_compose_waits_for_what_a_service_needs() -> None:
    services = compose(SECRETS)["services"]
    needs = {
        name: {other: entry["condition"] for other, entry in service.get("depends_on", {}).items()}
        for name, service in services.items()
    }
    healthy = "service_healthy"
    assert needs["gateway"] == {"postgres": healthy, "redis": healthy}
    assert needs["worker"] == {"gateway": healthy}
    for name, service in services.items():
        inherited = name in {"gateway", "worker"} and instructions("HEALTHCHECK")
        assert "healthcheck" in service or inherited, f"{name} has no health check"


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_compose_has_no_default_for_what_must_be_chosen(missing: str) -> None:
    environ = {name: value for name, value in SECRETS.items() if name != missing}
    with pytest.raises(UnsetVariableError, match=f"put {missing} into .env"):
        compose(environ)


@pytest.mark.parametrize("name", ["gateway", "worker"])
def test_compose_and_image_set_only_settings_that_exist(name: str) -> None:
    image = dict(re.findall(r"(YINGDA_\w+)=(\S+)", dockerfile()))
    environ = compose(SECRETS)["services"][name]["environment"]
    settings = load_settings({**image, **environ})
    assert settings.data_dir == Path("/data")
    assert settings.host == "0.0.0.0"
    assert settings.port == Settings().port
    assert not settings.uses_sqlite
    assert settings.redis_url.startswith("redis://")
    assert settings.admin_password == SECRETS["ADMIN_PASSWORD"]


def test_compose_keeps_what_was_acknowledged() -> None:
    document = compose(SECRETS)
    command = document["services"]["redis"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--appendfsync"] == "always"
    assert options["--requirepass"] == SECRETS["REDIS_PASSWORD"]
    mounted = {
        volume.split(":")[0]
        for service in document["services"].values()
        for volume in service["volumes"]
    }
    assert mounted == set(document["volumes"])


def test_compose_publishes_the_gateway_on_loopback_only() -> None:
    services = compose(SECRETS)["services"]
    assert services["gateway"]["ports"] == ["127.0.0.1:8080:8080"]
    assert compose({**SECRETS, "PORT": "9000"})["services"]["gateway"]["ports"] == [
        "127.0.0.1:9000:8080"
    ]
    assert all("ports" not in services[name] for name in ("worker", "postgres", "redis"))


def test_image_runs_as_nobody_special_and_tells_its_health() -> None:
    last_stage = dockerfile().rpartition("\nFROM ")[2]
    assert re.search(r"^USER yingda$", last_stage, re.MULTILINE)
    assert "/healthz" in re.findall(r"^HEALTHCHECK .*$", last_stage, re.MULTILINE)[0]
    assert f"127.0.0.1:{Settings().port}/healthz" in last_stage
    assert instructions("EXPOSE") == [str(Settings().port)]


def test_image_copies_only_what_exists_and_is_not_ignored() -> None:
    ignore = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    allowed = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    sources = [
        source
        for arguments in instructions("COPY")
        if not arguments.startswith("--from")
        for source in arguments.split()[:-1]
    ]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), f"Dockerfile copies {source}, which is not there"
        assert source.split("/", maxsplit=1)[0] in allowed, f".dockerignore hides {source}"


def test_image_needs_no_newer_node_or_python_than_the_project_says() -> None:
    stages = [line.split()[0] for line in instructions("FROM")]
    node = next(int(m[1]) for stage in stages if (m := re.match(r"node:(\d+)", stage)))
    package = json.loads((ROOT / "gateway/console/package.json").read_text("utf-8"))
    assert node >= int(re.findall(r"\d+", package["engines"]["node"])[0])
    pythons = {m[1] for stage in stages if (m := re.match(r"python:([\d.]+)", stage))}
    assert pythons == {"3.11"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Build the wheel from a copy of the sources and list what is in it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        source.mkdir(exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    for path in shipped_files():
        target = source / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / path).read_bytes())
    page = source / "gateway/console/dist/assets/index-1a2b.js"
    page.parent.mkdir(parents=True)
    page.write_text("// a built console")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    result = subprocess.run(
        [*command, "--disable-pip-version-check", "--wheel-dir", str(folder), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        return archive.namelist()


def shipped_files() -> list[Path]:
    """Return what must be in the wheel: the four packages without console sources and guides."""
    return [
        path.relative_to(ROOT)
        for package in ("gateway", "channels", "bot", "intents")
        for path in (ROOT / package).rglob("*")
        if path.is_file()
        and "console" not in path.relative_to(ROOT).parts
        and "__pycache__" not in path.parts
        and path.name != "README.md"
    ]


def test_wheel_contains_every_file_of_the_packages(wheel: list[str]) -> None:
    wanted = {path.as_posix() for path in shipped_files()}
    assert wanted - set(wheel) == set(), "name these in [tool.setuptools.package-data]"
    assert "gateway/console/dist/assets/index-1a2b.js" in wheel


def test_wheel_contains_the_licences_and_nothing_foreign(wheel: list[str]) -> None:
    assert any(name.endswith("licenses/LICENSE") for name in wheel)
    assert any(name.endswith("licenses/NOTICE") for name in wheel)
    tops = {name.split("/")[0] for name in wheel if ".dist-info" not in name}
    assert tops == {"gateway", "channels", "bot", "intents"}
