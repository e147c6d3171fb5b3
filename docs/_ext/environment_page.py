"""`{environment}`: the page of an environment, written from the Markdown docstring of its class.

Gymnasium's documentation makes its environment pages in the same way: the class docstring holds
the sections (Action Space, Observation Space, Rewards, ...), the page adds a table of the spaces.
"""

import inspect
from typing import Any

import gymnasium
from generated import generate
from sphinx.application import Sphinx

import linkage_rl.envs  # noqa: F401 - registers the environments


def overview(env_id: str) -> list[str]:
    """A table of the spaces of a registered environment, as on Gymnasium's pages."""
    env = gymnasium.make(env_id)
    spaces: Any = env.observation_space
    shapes = ", ".join(f"{name} {space.shape}" for name, space in spaces.items())
    modes = ", ".join(f'`"{mode}"`' for mode in env.metadata["render_modes"])
    rows = [
        ("Action space", f"`{env.action_space}`"),
        ("Observation space", f"`Dict`: {shapes}"),
        ("Import", f'`gymnasium.make("{env_id}")` after `import linkage_rl.envs`'),
        ("Vector environment", f'`gymnasium.make_vec("{env_id}", num_envs=256)`'),
        ("Render modes", modes),
    ]
    env.close()
    return ["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows), ""]


def page(env_id: str) -> list[str]:
    """The spaces of an environment and the docstring of its class, as Markdown."""
    kind = type(gymnasium.make(env_id).unwrapped)
    lines = (inspect.getdoc(kind) or "").splitlines()
    # the page has a heading of its own above those of the docstring
    return [*overview(env_id), *(f"#{line}" if line.startswith("## ") else line for line in lines)]


def shorten(
    app: Sphinx, what: str, name: str, kind: object, options: object, lines: list[str]
) -> None:
    """Leave the first paragraph of an environment's docstring: the rest has a page of its own."""
    if what == "class" and isinstance(kind, type) and issubclass(kind, gymnasium.Env):
        end = lines.index("") if "" in lines else len(lines)
        lines[end:] = ["", "Spaces, rewards and info keys: see the page Environments.", ""]


def setup(app: Sphinx) -> dict[str, bool]:
    """Replace the fences of the pages."""
    generate(app, "environment", page)
    app.connect("autodoc-process-docstring", shorten)
    return {"parallel_read_safe": True}
