"""Compiles the Cython kernels and puts shared folders into the wheel; the rest is in setup.cfg."""

import os
import shutil
from pathlib import Path
from typing import Any

import Cython
import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

PACKAGE = Path("linkage_rl")
SHIPPED = ("configs", "serving/deploy", "serving/metric_definitions.json")
"""Installed below the package under the same path; `linkage_rl.shipped` finds them again."""
SHARED = "linkage_rl._cython"
"""What Cython would repeat in every kernel, half of its code and more: compiled once."""
REMEDY = "build from a complete checkout or source distribution"


class BuildWithShipped(build_py):
    """Copies `SHIPPED` into the wheel; an editable installation reads them where they are."""

    def run(self) -> None:
        """Build as usual, then copy."""
        super().run()
        if not self.editable_mode:
            for source, target in self._copies().items():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Every file that the build writes."""
        copies = [] if self.editable_mode else map(str, self._copies().values())
        return [*super().get_outputs(include_bytecode), *copies]

    def _copies(self) -> dict[Path, Path]:
        """Each file of `SHIPPED` and where it goes."""
        files = [file for name in SHIPPED for file in _files(Path(name))]
        return {file: Path(self.build_lib) / PACKAGE / file for file in files}


class BuildKernels(build_ext):
    """Compiles for an editable installation where `build_ext --inplace` does, and so only once."""

    def finalize_options(self) -> None:
        """Replace the temporary folders of an editable installation; build as usual otherwise."""
        if self.editable_mode or self.inplace:
            self.build_lib, self.build_temp = "build/kernels", "build/objects"
        super().finalize_options()

    def copy_file(self, infile: str, outfile: str, *args: Any, **kwargs: Any) -> tuple[str, bool]:
        """Copy as a whole: half a kernel would be newer than its source, and stay."""
        partial = f"{outfile}.partial"
        super().copy_file(infile, partial, *args, **kwargs)
        Path(partial).replace(outfile)
        return outfile, True


def _files(place: Path) -> list[Path]:
    files = [place] if place.is_file() else sorted(place.rglob("*.*"))
    if not files:
        raise SystemExit(f"error: expected {place} beside setup.py, found nothing; {REMEDY}")
    return files


def _kernels() -> list[Extension]:
    sources = sorted(PACKAGE.glob("**/_*.pyx"))
    if not sources:
        raise SystemExit(f"error: expected .pyx files in {PACKAGE}/, found none; {REMEDY}")
    shared = f"{SHARED.rpartition('.')[2]}.c"
    named = {".".join(source.with_suffix("").parts): str(source) for source in sources}
    return [
        Extension(
            name=name,
            sources=[source],
            depends=[__file__, *map(str, sorted(PACKAGE.glob("**/_*.pxd")))],
            include_dirs=[np.get_include()],
            define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
            # -ffp-contract=off: one rounding per operation on every processor, so that features are
            # equal to the bit; -g0: debug information would be five times the size of the rest
            extra_compile_args=["-O3", "-ffp-contract=off", "-g0"],
        )
        for name, source in {SHARED: str(PACKAGE / shared), **named}.items()
    ]


setup(
    cmdclass={"build_ext": BuildKernels, "build_py": BuildWithShipped},
    options={"build_ext": {"parallel": os.cpu_count()}},
    ext_modules=cythonize(
        _kernels(),
        # another version shares other code: all of it is written again
        build_dir=f"build/cython-{Cython.__version__}",
        shared_utility_qualified_name=SHARED,
        compiler_directives={"language_level": "3"},
        quiet=True,
    ),
)
