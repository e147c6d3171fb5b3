"""`log=` names a decision log where a command has such a key, else the form of its lines."""

import pytest

from linkage_rl.config.messages import take_words
from linkage_rl.errors import ConfigError


def test_a_command_with_a_log_gets_its_url_and_keeps_the_form_of_lines() -> None:
    words = ["log=postgresql://crm/log", "log=json", "-q", "seed=2"]

    assert take_words(words, has_log=True) == ["log=postgresql://crm/log", "seed=2"]


def test_a_command_without_a_log_knows_only_forms_of_lines() -> None:
    with pytest.raises(ConfigError, match=r"log takes one of text, json, got decisions"):
        take_words(["log=decisions.db"])
