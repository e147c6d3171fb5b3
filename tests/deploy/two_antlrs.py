"""Loads moto's interpreter of state machines with the antlr4 that it was generated for.

Hydra pins antlr4 4.9 and moto's grammar needs 4.13; neither can read the tables of the other. So
`make setup` installs the newer one in a separate folder, and only the modules loaded here use it.
"""

import importlib
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pytest

FOLDER: Final = Path(sys.prefix) / "antlr4-4.13"
_ASL: Final = "moto.stepfunctions.parser.asl"
_TASKS: Final = f"{_ASL}.component.state.exec.state_task.service"


def load_interpreter() -> None:
    """Import the interpreter once, without replacing the antlr4 that Hydra uses."""
    if "moto.stepfunctions.parser.models" in sys.modules:
        return
    if not (FOLDER / "antlr4").is_dir():
        pytest.fail(f"expected antlr4 4.13 in {FOLDER}, found none; run `make setup`")
    older = {name: sys.modules.pop(name) for name in list(sys.modules) if _is_antlr(name)}
    sys.path.insert(0, str(FOLDER))
    try:
        importlib.import_module("moto.stepfunctions.parser.models")
    finally:
        sys.path.remove(str(FOLDER))
        for name in [name for name in sys.modules if _is_antlr(name)]:
            del sys.modules[name]
        sys.modules.update(older)
    _complete_service_names()
    _cache_slow_objects()


def _complete_service_names() -> None:
    """Complete moto's tables of the names that Step Functions gives services and errors."""
    task = sys.modules[f"{_TASKS}.state_task_service"].StateTaskService
    task._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES["sagemakerruntime"] = "sagemaker-runtime"
    errors = sys.modules[f"{_TASKS}.state_task_service_aws_sdk"]._SERVICE_ERROR_NAMES
    errors |= {"s3": "S3", "sagemaker": "SageMaker", "sagemakerruntime": "SageMakerRuntime"}


def _cache_slow_objects() -> None:
    """Cache clients (marked as the state machine's own), syntax trees and compiled paths."""
    sdk: Any = sys.modules[f"{_TASKS}.state_task_service_aws_sdk"]
    make = sdk.boto_client_for

    @lru_cache
    def client(region: str, service: str) -> Any:
        made = make(region=region, service=service)
        made.of_state_machine = True
        return made

    sdk.boto_client_for = lambda region, service, state_credentials: client(region, service)
    paths: Any = sys.modules[f"{_ASL}.utils.json_path"]
    paths.parse = lru_cache(None)(paths.parse)
    parsing: Any = sys.modules[f"{_ASL}.parse.asl_parser"]
    parse = lru_cache(None)(parsing.AmazonStateLanguageParser.parse)

    def parsed(definition: str) -> tuple[Any, Any]:
        tree = parse(definition)[1]
        # a program has state, so each execution gets a new one
        return parsing.Preprocessor().visit(tree), tree

    parsing.AmazonStateLanguageParser.parse = staticmethod(parsed)


def _is_antlr(name: str) -> bool:
    return name == "antlr4" or name.startswith("antlr4.")
