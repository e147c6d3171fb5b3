"""Compiles the Cython kernels; everything else about the package stands in setup.cfg."""

from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup

SHARED = [str(path) for path in sorted(Path("linkage_rl").glob("**/_*.pxd"))]
KERNELS = [
    Extension(
        name=".".join(source.with_suffix("").parts),
        sources=[str(source)],
        depends=SHARED,
        include_dirs=[np.get_include()],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
        # one rounding per operation on every processor, so that features are equal to the bit
        extra_compile_args=["-O3", "-ffp-contract=off"],
    )
    for source in sorted(Path("linkage_rl").glob("**/_*.pyx"))
]

setup(
    ext_modules=cythonize(
        KERNELS,
        build_dir="build/cython",
        compiler_directives={"language_level": "3"},
        quiet=True,
    )
)
