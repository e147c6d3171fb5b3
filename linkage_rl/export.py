"""`python -m linkage_rl.export`: turns a run into a bundle of its own, and checks it."""

if __name__ == "__main__":
    # before the imports, which take seconds and may lack an extra
    from linkage_rl.command_line import run_command

    run_command("export")
    raise SystemExit

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from linkage_rl.bundle import check_golden, load_bundle, read_golden, read_settings
from linkage_rl.candidates.storage import load_index
from linkage_rl.config.command import command, say
from linkage_rl.errors import BundleError, ConfigError, OutputError
from linkage_rl.evaluation import leaderboard
from linkage_rl.exporting.archive import write_archive

BEST: Final = "best"
"""Instead of a run folder: the best run of the leaderboard."""


@dataclass(frozen=True)
class ExportSettings:
    """Which run is exported, and where to."""

    run: str = ""
    """Run folder, a bundle folder, or 'best'."""
    output: str = ""
    """Folder of the new bundle; a bundle that lies there is replaced."""
    archive: bool = True
    """Whether the bundle is also packed beside its folder, for SageMaker: `output=DIR/model`
    gives `DIR/model.tar.gz`."""
    with_index: bool = True
    """Whether the index goes along; without it the bundle is for use with a database."""
    leaderboard: str = "outputs/leaderboard.jsonl"
    """List of runs that 'best' looks into."""
    preset: str = ""
    """Only runs of this experiment are looked at; '' for all."""
    by: str = "expected_reward"
    """Validation metric that 'best' goes by."""

    def __post_init__(self) -> None:
        if not self.run:
            raise ConfigError("export needs run=, a run folder, or run=best; see --help")
        if not self.output:
            raise ConfigError("export needs output=, the folder of the new bundle; see --help")


def run(settings: ExportSettings) -> None:
    """Copy the run's bundle beside its place, check the copy, and move it there whole.

    Raises:
        LinkageError: There is no such run, the copy answers a golden client otherwise, the output
            folder holds something else, or the disk is full; what lay there is then untouched.
    """
    bundle = find_bundle(settings)
    output = Path(settings.output).expanduser()
    if output.resolve() == bundle.resolve():
        raise ConfigError(f"output={output} is the run's own bundle; name another folder")
    if output.exists() and not (output / "manifest.json").is_file() and any(output.iterdir()):
        raise OutputError(f"{output} holds something that is no bundle; name another folder")
    partial = output.with_name(f"{output.name}.partial")
    try:
        clients = _copy_checked(bundle, partial, settings.with_index)
        shutil.rmtree(output, ignore_errors=True)
        partial.replace(output)
        packed = output.with_name(f"{output.name}.tar.gz")
        if settings.archive:
            write_archive(output, packed)
    except OSError as error:
        raise OutputError(
            f"cannot write the bundle to {output}: {error}; free space or choose another folder"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    written = read_settings(output)
    origin = " ".join(f"{name}={written.origin.get(name, '')}" for name in ("agent", "seed"))
    say(f"bundle   {output} from {bundle} ({origin})")
    say(f"parity   {clients} golden clients answered as recorded")
    if settings.archive:
        say(f"archive  {packed} ({packed.stat().st_size / 1e6:,.1f} MB)")


def find_bundle(settings: ExportSettings) -> Path:
    """The bundle folder of the run that is meant.

    Raises:
        BundleError: There is none.
        InputFileError: There is no leaderboard, or no run in it.
    """
    folder = Path(settings.run).expanduser()
    if settings.run == BEST:
        path = Path(settings.leaderboard).expanduser()
        folder = leaderboard.best(path, settings.by, settings.preset or None)
    for place in (folder / "bundle", folder):
        if (place / "manifest.json").is_file() and (place / "policy.onnx").is_file():
            return place
    raise BundleError(
        f"expected a finished run in {folder}, found no bundle there; "
        "train one with `python -m linkage_rl.train`, or give run=best"
    )


def _copy_checked(bundle: Path, partial: Path, with_index: bool) -> int:
    """Copy, load the copy afresh, and return how many golden clients it answered as recorded."""
    shutil.rmtree(partial, ignore_errors=True)
    skipped = None if with_index else shutil.ignore_patterns("index")
    shutil.copytree(bundle, partial, ignore=skipped)
    golden = read_golden(partial)
    if with_index:
        load_bundle(partial)
    else:
        check_golden(load_bundle(partial, load_index(bundle / "index")), golden)
    return len(golden)


main = command("export", ExportSettings, run)
