"""Compiles the Cython kernels; everything else about the package stands in setup.cfg."""

from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup

KERNELS = [
    Extension(
        name=".".join(source.with_suffix("").parts),
        sources=[str(source)],
        include_dirs=[np.get_include()],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
        extra_compile_args=["-O3"],
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
