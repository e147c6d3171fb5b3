"""The deploy commands in serving/README.md are valid."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from linkage_rl.config import nodes
from linkage_rl.config.command import CONFIGS
from linkage_rl.deploy import DeploySettings, normalise_arguments

README = Path(__file__).resolve().parents[2] / "serving" / "README.md"
SHA, DIGEST = "0123456789ab", f"REPOSITORY@sha256:{'0' * 64}"


def commands() -> Iterator[str]:
    text = README.read_text(encoding="utf-8")
    for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("python -m linkage_rl.deploy"):
                yield line


@pytest.mark.parametrize("line", list(commands()))
def test_a_command_in_the_readme_is_valid(line: str) -> None:
    line = re.sub(r"\$\([^)]*\)", SHA, line).replace("COMMIT", SHA).replace("$BUCKET", "bucket")
    line = line.replace("REPOSITORY@sha256:...", DIGEST)
    words = [word for word in shlex.split(line, comments=True)[3:] if word != "..."]

    nodes.register("deploy", DeploySettings, {})
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        settings = nodes.settings(compose("deploy", normalise_arguments(words)), DeploySettings)

    assert settings.action == words[0]


def test_the_readme_shows_every_action_for_users() -> None:
    shown = {line.split()[3] for line in commands()}

    assert shown == {"plan", "apply", "status", "rollback"}
